"""What a hospital finds when it holds the networks against its own labels."""
