"""Deciding when to look, looking, and turning what was seen into incidents."""
