"""Pages, health, metrics and live updates."""
