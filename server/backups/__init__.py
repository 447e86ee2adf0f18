"""Copies of all that an embedded server keeps, made while it serves, and brought back."""
