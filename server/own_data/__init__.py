"""Pages for participants without an account: by a link they ask for their data, and fetch it."""
