"""Tests of how the code is built, not of what it does."""
