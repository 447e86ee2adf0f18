"""The audit log outside of the API: whether it is whole, and as a file."""
