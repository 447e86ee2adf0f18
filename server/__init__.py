"""Keeps the data of multi-participant online experiments, and serves it over GraphQL."""
