"""Pages from their texts, and rows of tables."""

from collections.abc import Iterable, Mapping
from pathlib import Path

HERE = Path(__file__).parent


def filled(name: str, parts: Mapping[str, str]) -> str:
    """Return the text of a page with each `@part@` in its place."""
    text = (HERE / name).read_text("utf-8")
    for part, content in parts.items():
        assert f"@{part}@" in text, f"{name} does not ask for @{part}@"
        text = text.replace(f"@{part}@", content.rstrip())
    return text


def row(cells: Iterable[str]) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
