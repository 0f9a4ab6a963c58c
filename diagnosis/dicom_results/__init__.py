"""Grades as DICOM objects: what a hospital's image archive can keep."""
