"""Sealed records: the envelope of a document, the wraps of its key, its sealed name."""
