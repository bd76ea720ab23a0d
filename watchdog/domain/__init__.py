"""The pure heart: what an incident is, who owns it, and who is told. No I/O, no clock."""
