"""Incident Watchdog: rules in YAML, evaluated for real, to incidents with exactly one owner."""

__version__ = "0.1.0"
