"""Management of diagnosis."""
