"""Retention: what is due of an experiment's data when, who was told of it, and its deletion."""
