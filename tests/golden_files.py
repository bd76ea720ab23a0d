"""Golden files: what was agreed on, kept in `tests/golden`; `UPDATE=1 pytest …` writes them anew."""

import os
from pathlib import Path

FOLDER = Path(__file__).with_name("golden")


def assert_golden(name: str, actual: str) -> None:
    """Fail unless `actual` is what the file holds; line ends count."""
    path = FOLDER / name
    if os.environ.get("UPDATE"):
        path.write_bytes(actual.encode("utf-8"))
    assert path.exists(), f"{path} is missing; write it with UPDATE=1"
    assert actual == path.read_bytes().decode("utf-8")
