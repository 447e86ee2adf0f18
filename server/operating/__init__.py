"""Accounts, keys and grants, from the command line of the server's own machine."""
