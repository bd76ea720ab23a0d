"""Benchmarks of the real program on real servers. They print what they measured; nothing fails by it."""
