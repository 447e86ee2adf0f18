"""A server in use while what it stands on fails, and what it must have kept afterwards."""
