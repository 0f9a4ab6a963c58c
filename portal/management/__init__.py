"""Management of portal."""
