"""How people sign in with a browser: by a provider, by a link that works once, or by an API key."""
