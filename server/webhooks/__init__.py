"""Webhooks: an outbox, written with what it tells of, and emptied by whichever server may."""
