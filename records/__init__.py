"""What is known about a patient, sealed."""
