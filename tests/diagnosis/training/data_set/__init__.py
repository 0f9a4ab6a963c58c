"""Data sets as people have them, good and bad."""
