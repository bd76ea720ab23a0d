"""What makes two findings the same thing."""

import hashlib

from rules.base import Entity


def fingerprint(rule: str, entity: Entity) -> bytes:
    """Return 32 bytes that name this rule and entity.

    Every part is preceded by its length, so no two different inputs have the same canonical form.
    The order of the entity's columns does not matter.
    """
    parts = [rule, *(text for pair in sorted(entity) for text in pair)]
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.digest()
