"""Records that come in over HTTP, against SQLAlchemy Core's bulk insert alone."""
