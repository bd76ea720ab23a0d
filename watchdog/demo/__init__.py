"""The five systems, alive and breakable."""
