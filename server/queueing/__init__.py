"""The queue of jobs in PostgreSQL, which procrastinate keeps; SQLite has none."""
