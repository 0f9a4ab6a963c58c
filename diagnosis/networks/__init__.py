"""The networks of the papers, as tensors in and tensors out."""
