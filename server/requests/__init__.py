"""Requests for one's own data: when they are due, and the links by which they are made."""
