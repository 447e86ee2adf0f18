"""How a server is, for those who keep it running: alive, ready, and its figures."""
