"""Measured speeds, each against its goal."""
