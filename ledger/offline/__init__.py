"""What a family checks a proof bundle with, far from here and without us."""
