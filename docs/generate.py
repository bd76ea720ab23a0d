"""Writes the pages that are made from the code: `python docs/generate.py`; `--check` only compares.

Exits 1 when a page is out of date, or when something in the code has no words yet.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from docs.generators import commands, demo, incidents, packs, problems, rules
from docs.generators.spellings import Undocumented
from docs.generators.text import filled
from watchdog.config.files import shipped_packs
from watchdog.metrics import metrics_table

HERE = Path(__file__).parent


def metrics() -> str:
    """Return docs/metrics.md."""
    return filled("metrics.md", {"metrics": metrics_table()})


def exit_codes() -> str:
    """Return docs/exit-codes.md."""
    return filled("exit-codes.md", {"exit-codes": commands.exit_codes()})


PAGES: dict[str, Callable[[], str]] = {
    "rules.md": rules.page,
    "commands.md": commands.page,
    "exit-codes.md": exit_codes,
    "problems.md": problems.page,
    "metrics.md": metrics,
    "demo.md": demo.page,
    "incidents.md": incidents.page,
    "packs/README.md": packs.page,
    **{f"packs/{name}.md": partial(packs.pack_page, name) for name in shipped_packs()},
}
MARK = "<!-- Made by docs/generate.py: change the code that it describes, then run that. -->\n"


def made() -> dict[Path, str]:
    """Return every generated page by its path.

    Raises:
        Undocumented: Something has no words yet.
    """
    return {HERE / name: MARK + page().rstrip() + "\n" for name, page in PAGES.items()}


def main(arguments: list[str]) -> int:
    """Write the pages, or say which are out of date."""
    try:
        pages = made()
    except Undocumented as missing:
        print(f"docs/generate.py: {missing}", file=sys.stderr)
        return 1
    old = [
        path for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text
    ]
    if arguments == ["--check"]:
        for path in old:
            print(
                f"docs/{path.relative_to(HERE)} is out of date: run `python docs/generate.py`",
                file=sys.stderr,
            )
        return 1 if old else 0
    for path in old:
        path.parent.mkdir(exist_ok=True)
        path.write_text(pages[path], "utf-8")
        print(f"docs/{path.relative_to(HERE)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
