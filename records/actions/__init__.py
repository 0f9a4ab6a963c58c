"""Every change to what is known about a patient."""
