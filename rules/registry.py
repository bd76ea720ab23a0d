"""The kinds of rules, by the key under which teams write them."""

from typing import Final

from rules.failures import Failures
from rules.http import Http
from rules.queue import Queue
from rules.settings import Settings
from rules.sql import Sql
from rules.stale import Stale
from rules.stuck import Stuck

KINDS: Final[dict[str, type[Settings]]] = {
    "stale": Stale,
    "failures": Failures,
    "queue": Queue,
    "stuck": Stuck,
    "http": Http,
    "sql": Sql,
}
