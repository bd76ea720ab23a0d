"""A running service, as those who put it together and those who show it both see it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from notifiers.base import Notifier
from watchdog.clock import Clock
from watchdog.config.load import Loaded
from watchdog.config.model import Config
from watchdog.domain.people import Directory
from watchdog.sources.base import Source


@dataclass(frozen=True, slots=True)
class Options:
    """How the service is started. `listen` is empty where the configuration decides."""

    config: Path
    data: Path
    listen: str = ""
    demo: bool = False


@dataclass(slots=True)
class Service:
    """A running service, as its parts and its pages see it.

    Attributes:
        loaded: The latest reading of the files; its problems are shown even when an older
            configuration is in force.
        config: The configuration in force.
        replica: Name of this process among those that share the store.
        listens_at: Address of the page on this machine, without a slash at the end; empty until it
            is served.
    """

    options: Options
    clock: Clock
    pool: asyncpg.Pool
    loaded: Loaded
    config: Config
    replica: str
    listens_at: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)
    notifiers: dict[str, Notifier] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    reloading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def directory(self) -> Directory:
        """Return the people, teams and routes of now."""
        return self.config.directory
