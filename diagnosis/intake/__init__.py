"""What comes in as a whole data set, looked at before anything of it is graded."""
