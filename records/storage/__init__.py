"""Where sealed bytes lie, found by the hash of their content."""
