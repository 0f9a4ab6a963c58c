"""From pixels to a report."""
