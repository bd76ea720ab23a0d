"""The log files of the demo: JSON lines of the desk's mail worker and of the issue sync."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

LINE_EVERY = timedelta(seconds=20)
FILE_BYTES_MAX = 4_000_000


class LogFiles:
    """Writes a line to each file every 20 s; a file that has grown large makes room for a new one."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._worker = folder / "email-worker.log"
        self._sync = folder / "issue-sync.log"
        self._next_at: datetime | None = None

    def tick(self, now: datetime, mails_pending: int) -> None:
        """Write what the worker and the sync do now."""
        if self._next_at and now < self._next_at:
            return
        self._next_at = now + LINE_EVERY
        stamp = now.astimezone(UTC).isoformat(timespec="milliseconds")
        _append(
            self._worker,
            {
                "timestamp": stamp,
                "level": "INFO",
                "logger": "desk.email_worker",
                "message": "processing" if mails_pending else "idle",
                "component": "email_worker",
                "extra": {"pending": mails_pending},
            },
        )
        _append(
            self._sync,
            {
                "timestamp": stamp,
                "level": "INFO",
                "logger": "issues.sync",
                "message": "synced",
                "execution_time": 700 + int(now.timestamp()) * 37 % 600,
            },
        )


def _append(path: Path, line: dict[str, object]) -> None:
    if path.exists() and path.stat().st_size > FILE_BYTES_MAX:
        path.replace(path.with_suffix(".log.1"))
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
