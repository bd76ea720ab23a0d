"""Draws the README's pictures of the page: the demo with two failures, in a real browser.

Usage: .venv/bin/python docs/pictures.py [FOLDER]    (needs a `chromium` on PATH)

Beside the README's two it can draw every page at a phone's and a desktop's width, light and dark, which
is how the looks are checked: docs/pictures.py --all FOLDER.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp

REPOSITORY = Path(__file__).parents[1]
WIDTHS = {"phone": (375, 812, 2), "desktop": (1200, 800, 1)}
BYTES_MAX = 150_000
PHONE_BELOW = 500


@contextlib.contextmanager
def demo(folder: Path) -> Iterator[str]:
    """Run the demo with S1 and E1 broken; give the link to sign in with."""
    shutil.copy(REPOSITORY / "rules.yaml", folder)
    command = [sys.executable, "-m", "watchdog"]
    env = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    run = [*command, "run", "--demo", "--listen", "127.0.0.1:0"]
    service = subprocess.Popen(  # noqa: S603 (ours)
        run, cwd=folder, env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert service.stdout is not None
        link = next(
            found[0] for line in service.stdout if (found := re.search(r"http\S+token=\S+", line))
        )
        for failure in ("S1", "E1"):
            order = [*command, "demo", "break", failure]
            subprocess.run(order, cwd=folder, env=env, check=True)  # noqa: S603 (ours)
        yield link
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait()


class Browser:
    """One tab, driven by the browser's own protocol.

    The browser's screenshot switch knows neither cookies nor phones.
    """

    def __init__(self, line: aiohttp.ClientWebSocketResponse) -> None:
        self._line = line
        self._number = 0

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give an order and return its answer."""
        self._number += 1
        await self._line.send_json({"id": self._number, "method": method, "params": parameters})
        async for message in self._line:
            answer = json.loads(message.data)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])
        raise ConnectionError("the browser has gone")

    async def run(self, script: str) -> Any:
        """Return what a script in the page comes to."""
        answer = await self.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        return answer["result"].get("value")

    async def go(self, url: str) -> None:
        """Open a page and wait until it is there."""
        await self.ask("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def until(self, condition: str) -> None:
        """Wait until a script in the page comes to true."""
        async with asyncio.timeout(120):
            while not await self.run(condition):  # noqa: ASYNC110 (the page has no event)
                await asyncio.sleep(0.2)

    async def look(self, size: str, scheme: str) -> None:
        """Be a phone or a desktop, light or dark."""
        width, height, scale = WIDTHS[size]
        await self.resize(width, height, scale, scheme)

    async def resize(self, width: int, height: int, scale: int, scheme: str) -> None:
        """Be as wide as this, light or dark; as a phone where that is narrow."""
        await self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=scale, mobile=width < PHONE_BELOW,
        )  # fmt: skip
        await self.ask(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    async def draw(self, path: Path, *, whole: bool = False) -> None:
        """Write a picture of what is seen, or of the whole page."""
        await asyncio.sleep(0.5)
        answer = await self.ask("Page.captureScreenshot", captureBeyondViewport=whole)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(answer["data"]))


@contextlib.contextmanager
def running_browser() -> Iterator[int]:
    """Run a browser with nothing remembered; give the port on which it takes orders."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--hide-scrollbars",
            f"--user-data-dir={folder}",
        ]
        command += ["--remote-debugging-port=0", "--force-color-profile=srgb", "about:blank"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)  # noqa: S603 (ours)
        try:
            assert process.stderr is not None
            found = (re.search(r"ws://[^:]+:(\d+)/", line) for line in process.stderr)
            yield next(int(one[1]) for one in found if one)
        finally:
            process.terminate()
            process.wait()


@contextlib.asynccontextmanager
async def opened(port: int) -> AsyncIterator[Browser]:
    """Give the browser's tab."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/json") as answer:
            tabs = await answer.json()
        address = next(one["webSocketDebuggerUrl"] for one in tabs if one["type"] == "page")
        async with session.ws_connect(address, max_msg_size=0) as line:
            yield Browser(line)


async def draw(port: int, link: str, folder: Path, *, everything: bool) -> None:
    """Sign in, wait for both incidents and their messages, and draw."""
    base = link.partition("/sign-in")[0]
    async with opened(port) as tab:
        await tab.look("desktop", "light")
        await tab.go(link)
        if everything:
            await tab.draw(folder / "sign-in.png")
        await tab.run("document.querySelector('form').submit()")
        await tab.until("document.querySelectorAll('article').length >= 2")
        await tab.until("document.querySelectorAll('#outbox details').length >= 5")
        await tab.run("document.querySelector('#outbox details').open = true")
        for size in WIDTHS:
            await tab.look(size, "light")
            await tab.draw(folder / f"now-{size}.png")
        if everything:
            await _draw_everything(tab, base, folder)


async def _draw_everything(tab: Browser, base: str, folder: Path) -> None:
    links = "[...document.querySelectorAll('article h3 a, #outbox p a[href^=\"/o\"]')].map(a => a.pathname)"
    paths = {"now": "/"}
    for path in (await tab.run(links))[:5]:
        paths[path.strip("/").replace("/", "-")] = path
    incident = next(name for name in paths if name.startswith("i-"))
    paths["take"] = f"{paths[incident]}/take"
    for name, path in paths.items():
        await tab.go(base + path)
        for size in WIDTHS:
            for scheme in ("light", "dark"):
                await tab.look(size, scheme)
                wide = await tab.run("document.documentElement.scrollWidth > innerWidth")
                print(f"{name} {size} {scheme}{': wider than the screen' if wide else ''}")
                await tab.draw(folder / f"{name}-{size}-{scheme}.png", whole=True)


def main() -> None:
    """Draw into docs/images, or where told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=REPOSITORY / "docs" / "images")
    parser.add_argument("--all", action="store_true", dest="everything")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wd-", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o755)
        with demo(Path(place)) as link, running_browser() as port:
            asyncio.run(draw(port, link, given.folder, everything=given.everything))
    for path in (given.folder / f"now-{size}.png" for size in WIDTHS):
        assert path.stat().st_size <= BYTES_MAX, path
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
