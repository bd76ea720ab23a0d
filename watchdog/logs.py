"""The log: JSON lines on stderr, one fact a line, no secrets."""

import json
import logging
import sys
from datetime import UTC, datetime

# JSON leaves these as they are; some readers take them for the end of a line, some terminals obey them.
_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}
_KNOWN = frozenset(vars(logging.makeLogRecord({})))


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object: what everybody has, then the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        own = {name: value for name, value in vars(record).items() if name not in _KNOWN}
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in own.items() if name not in line}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False).translate(_ESCAPED)


def set_up(*, verbose: bool) -> None:
    """Send our log to stderr: from info on, or everything; libraries from warning on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("watchdog", "rules", "notifiers"):
        logging.getLogger(name).setLevel(logging.DEBUG if verbose else logging.INFO)
