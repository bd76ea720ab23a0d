"""One running program for all tests of a worker that only break and mend its demo."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance import running
from tests.acceptance.nights import Player


@pytest.fixture(scope="session")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Receivers]:
    """Give a Slack and a mail server."""
    folder: Path = tmp_path_factory.mktemp("receivers")
    with running.receivers(folder) as both:
        yield both


@pytest.fixture(scope="session")
def program(receivers: running.Receivers) -> Iterator[running.Program]:
    """Give the running program with its demo, on test time."""
    with running.program(receivers) as one:
        one.advance(15)  # what people and jobs of the demo did before it began is reported first
        yield one


@pytest.fixture(scope="session")
def player(program: running.Program, receivers: running.Receivers) -> Player:
    """Give who plays nights on the running program."""
    return Player(program, receivers)
