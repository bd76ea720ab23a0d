"""Reports: what is asked at a time of the day, and sent once."""
