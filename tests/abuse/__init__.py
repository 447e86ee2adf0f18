"""Attacks on a real server of the test's own: each is refused, quickly, and others are served."""
