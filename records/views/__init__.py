"""Pages about patients and their histories."""
