"""Data from elsewhere: read as records as they are sent, and taken in by the rules for these."""
