"""Which class answers for which type of source."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from watchdog.sources.base import DEMO_SCHEME, ROOTS, Silent, Source, real_address

if TYPE_CHECKING:
    from watchdog.config.model import Source as SourceSpec


def open_source(spec: "SourceSpec", address_of_demo: Mapping[str, str]) -> Source:
    """Return the source that `spec` declares; nothing is connected before the first question.

    The library that talks to it is imported here, so that a service without such a source does
    not pay for it.

    Args:
        address_of_demo: Address of each running part of the demo, by its name without `demo://`.

    Raises:
        ValueError: The type is none that we know.
    """
    address = real_address(spec.address.get_secret_value(), address_of_demo)
    if address is None:
        name = spec.address.get_secret_value().removeprefix(DEMO_SCHEME).partition("/")[0]
        return Silent(f'the demo is not running, so there is no "{name}" to ask')
    if spec.type == "files":
        from watchdog.sources.files import FilesSource

        return FilesSource(spec, address_of_demo)
    if spec.type == "postgres":
        from watchdog.sources.postgres import PostgresSource

        return PostgresSource(spec, address)
    if spec.type == "sqlite":
        from watchdog.sources.sqlite import SqliteSource

        return SqliteSource(spec, address)
    if spec.type == "http":
        from watchdog.sources.http import HttpSource

        is_of_demo = spec.address.get_secret_value().startswith(DEMO_SCHEME)
        return HttpSource(spec, address, address_of_demo.get(ROOTS) if is_of_demo else None)
    raise ValueError(f'source "{spec.name}": type {spec.type} is not known')
