"""Ways to run a network on this machine."""
