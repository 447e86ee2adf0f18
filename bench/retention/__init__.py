"""Retention while others read: what readers notice of millions of rows being deleted."""
