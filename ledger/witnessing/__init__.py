"""Cosigning foreign logs, asking others to cosign this one, comparing what each saw."""
