"""What a trained network reaches on a data set, with how sure that is."""
