"""Where the running demo is, left in the data directory for commands that run beside the service."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_FILE = "demo.json"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The running demo.

    Attributes:
        addresses: Address of each part, by its name without `demo://`.
        switch_dsn: The database in which failures are switched on and off; empty if none runs.
    """

    addresses: Mapping[str, str] = field(default_factory=dict)
    switch_dsn: str = ""


def leave(data_dir: Path, whereabouts: Whereabouts) -> None:
    """Write where the demo is; only the service's account can read it."""
    content = json.dumps(
        {"addresses": dict(whereabouts.addresses), "switch_dsn": whereabouts.switch_dsn}
    )
    half = data_dir / f"{_FILE}.new"
    half.unlink(missing_ok=True)  # one that a crash has left may be readable for others
    half.touch(mode=0o600, exist_ok=False)
    half.write_text(content)
    os.replace(half, data_dir / _FILE)


def find(data_dir: Path) -> Whereabouts:
    """Return where the demo is; empty if none has run here, or what is there cannot be read."""
    try:
        found = json.loads((data_dir / _FILE).read_text())
    except (OSError, ValueError):
        return Whereabouts()
    match found:
        case {"addresses": dict(addresses), "switch_dsn": str(switch_dsn)}:
            return Whereabouts(addresses, switch_dsn)
        case _:
            return Whereabouts()


def clear(data_dir: Path) -> None:
    """Say that the demo no longer runs."""
    (data_dir / _FILE).unlink(missing_ok=True)
