"""From the pixels of one frame to a report."""
