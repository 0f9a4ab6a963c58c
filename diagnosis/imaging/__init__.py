"""Pixels between uploaded files and the grading pipeline."""
