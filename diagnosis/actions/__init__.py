"""Every change to what is graded."""
