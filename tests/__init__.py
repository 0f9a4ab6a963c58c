"""Tests, a folder per app."""
