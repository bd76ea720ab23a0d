"""The outbox's worker."""
