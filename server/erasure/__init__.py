"""Erasure: what is to go goes for good, everywhere, and a receipt says so."""
