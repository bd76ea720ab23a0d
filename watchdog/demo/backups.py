"""The backups of the desk's database: a file a day, as a job in the night would leave them."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEPT_DAYS = 7
MADE_AT = timedelta(hours=2, minutes=10)
"""Time of the day in UTC at which the job is done."""

MISSED_DAYS = 3
SIZE_BYTES = 60_000


class BackupFiles:
    """Keeps the files of the last week; the job may miss days."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._seen: tuple[datetime, bool] | None = None

    def tick(self, now: datetime, stopped: bool) -> None:
        """Leave the files that there would be now.

        Args:
            stopped: The job did not run for the last three days.
        """
        newest_at = _newest(now)
        if self._seen == (newest_at, stopped):
            return
        wanted = {
            self._folder / f"desk-{at:%Y-%m-%d}.dump": at
            for back in range(MISSED_DAYS if stopped else 0, KEPT_DAYS)
            for at in [newest_at - timedelta(days=back)]
        }
        for path in set(self._folder.glob("desk-*.dump")) - wanted.keys():
            path.unlink(missing_ok=True)
        for path, at in wanted.items():
            if not path.exists():
                path.write_bytes(b"\0" * (SIZE_BYTES + at.toordinal() * 37 % 4000))
                os.utime(path, (at.timestamp(), at.timestamp()))
        self._seen = newest_at, stopped


def _newest(now: datetime) -> datetime:
    """Return when the job was last done."""
    utc = (now - MADE_AT).astimezone(UTC)
    return utc.replace(hour=0, minute=0, second=0, microsecond=0) + MADE_AT
