"""The commands that are clients: what is typed, what is shown, and how they end.

Modules named for a command hold its options, and import all else when it runs.
"""
