"""Hundreds of clients, subscribers and exports at once on one server process, and its end."""
