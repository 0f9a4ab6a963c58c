"""Training that is broken off, and goes on."""
