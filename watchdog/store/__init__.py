"""The service's memory: one PostgreSQL, its schema and its statements."""
