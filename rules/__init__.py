"""Rule kinds: pure questions and judgements."""
