"""Draws the README's pictures of mails, and of what a phone shows of them, in a real browser.

Usage: .venv/bin/python docs/mail_pictures.py [FOLDER]    (needs a `chromium` on PATH)
"""

import argparse
import asyncio
import itertools
import tempfile
from collections.abc import Mapping
from pathlib import Path

from docs.pictures import REPOSITORY, Browser, opened, running_browser
from notifiers.base import Event, Message, Part
from notifiers.email import Email
from notifiers.samples import sample
from notifiers.summary_samples import sample_summary

BYTES_MAX = 80_000
HEIGHT_MAX = 760
WIDTHS = (600, 375)
SCHEMES = ("light", "dark")


def mails() -> Mapping[str, str]:
    """Return the HTML of each mail that is drawn, by name."""
    email = Email(
        "smtp://localhost", "watchdog@example.com", "https://watchdog.example.com",
        link_key="a key for pictures that opens nothing",
    )  # fmt: skip
    told = {event.value: sample(event) for event in (Event.OPENED, Event.RECOVERED)}
    messages = {
        name: Message("picture", "ana@example.com", Part.PAGE, 1, facts, reader="ana", stop="x")
        for name, facts in (told | {"week": sample_summary()}).items()
    }
    return {name: str(email.render(one).body["html"]) for name, one in messages.items()}


async def draw(tab: Browser, page: Path, folder: Path) -> None:
    """Draw a mail at both widths, light and dark; of a long one its begin.

    Raises:
        AssertionError: Something is wider than the screen, or a picture is too big.
    """
    for width, scheme in itertools.product(WIDTHS, SCHEMES):
        path = folder / f"mail-{page.stem}-{width}-{scheme}.png"
        await tab.resize(width, 1, 1, scheme)
        await tab.go(page.as_uri())
        height = await tab.run("document.documentElement.scrollHeight")
        await tab.resize(width, min(height, HEIGHT_MAX), 1, scheme)
        assert await tab.run("document.documentElement.scrollWidth <= innerWidth"), path.name
        await tab.draw(path)
        assert path.stat().st_size <= BYTES_MAX, path
        print(f"{path}: {path.stat().st_size} bytes")


async def draw_all(port: int, place: Path, folder: Path) -> None:
    """Draw every mail."""
    async with opened(port) as tab:
        for name, html in mails().items():
            page = place / f"{name}.html"
            page.write_text(html, "utf-8")
            await draw(tab, page, folder)


def main() -> None:
    """Draw into docs/images, or where told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=REPOSITORY / "docs" / "images")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wd-") as place, running_browser() as port:
        asyncio.run(draw_all(port, Path(place), given.folder))


if __name__ == "__main__":
    main()
