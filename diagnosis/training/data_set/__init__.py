"""Labelled images on disk, checked before anything learns from them."""
