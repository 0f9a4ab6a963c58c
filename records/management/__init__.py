"""Management of records."""
