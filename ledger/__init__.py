"""What happened, with proof of it."""
