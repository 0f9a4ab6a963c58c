"""Figures by known cases, by laws, and beside scikit-learn's."""
