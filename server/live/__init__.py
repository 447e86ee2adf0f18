"""Watching what is recorded: what followers wait for, and what they are told."""
