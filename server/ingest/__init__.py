"""Records that come in: read, checked, stored once, and kept aside where they are refused."""
