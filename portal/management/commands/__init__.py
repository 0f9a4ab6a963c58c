"""Commands of portal."""
