"""What the service can ask: PostgreSQL, SQLite and HTTP endpoints."""
