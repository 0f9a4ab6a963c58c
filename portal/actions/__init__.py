"""Every change to people and institutions."""
