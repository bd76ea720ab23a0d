"""What a key of the user's own must be. Apart from what is signed with it: `check` reads no more."""

KEY_MIN = 32
"""Characters of a key or secret, at least."""
