"""A scanner played by this machine: it knows its files, a token and an address."""
