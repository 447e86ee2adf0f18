"""Withdrawal and consent: what may not be used any more is taken out of reach, and put back."""
