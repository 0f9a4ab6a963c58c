"""Pages about images and grades."""
