"""Sealing: rows of people that may no longer be used, moved out of the way."""
