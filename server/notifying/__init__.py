"""What other processes did, as PostgreSQL tells it; SQLite tells nothing, and is looked at."""
