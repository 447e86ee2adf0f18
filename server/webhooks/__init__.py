"""Webhooks: what happens is told to whoever subscribed, outside of the server."""
