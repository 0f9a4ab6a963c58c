"""What devices send, by whichever way it comes."""
