"""`hyperdata doctor`: what is wrong with a server's configuration, in words."""
