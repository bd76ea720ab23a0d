"""The image and the compose file: there may be no container engine, so their words are tried one by one."""

import fnmatch
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import dev
from watchdog.cli.run import run_command

PORT = "8711"


def instructions() -> list[tuple[str, str]]:
    """Give the Dockerfile's instructions, each its word and the rest of its line."""
    text = (dev.ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1].strip()) for line in lines]


def instruction(word: str) -> str:
    """Give the rest of the last instruction of that word: the one that counts."""
    return [rest for each, rest in instructions() if each == word][-1]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found = yaml.safe_load((dev.ROOT / "compose.yaml").read_text())
    assert isinstance(found, dict)
    return found


class TestImage:
    def test_its_base_is_slim_and_named_by_version(self) -> None:
        assert re.fullmatch(r"python:3\.\d+-slim-\w+", instruction("FROM"))

    def test_it_does_not_run_as_root(self) -> None:
        assert int(instruction("USER")) > 0

    def test_all_that_is_copied_exists_and_is_not_kept_back(self) -> None:
        lines = (dev.ROOT / ".dockerignore").read_text().splitlines()
        let_through = [line.removeprefix("!") for line in lines if line.startswith("!")]
        sources = [
            source.removeprefix("./")
            for word, rest in instructions()
            if word == "COPY"
            for source in rest.split()[:-1]
        ]
        assert [each for each in sources if not (dev.ROOT / each).exists()] == []
        assert sorted(sources) == sorted(let_through)

    def test_every_package_of_the_wheel_is_in_it(self) -> None:
        copied = {rest.split()[0] for word, rest in instructions() if word == "COPY"}
        assert {"watchdog", "rules", "notifiers"} <= copied

    def test_its_data_survive_in_a_volume_that_its_user_owns(self) -> None:
        assert instruction("VOLUME") == "/data"
        assert re.search(r"install -d -o watchdog .* /data\b", instruction("RUN"))

    def test_it_starts_the_console_script_with_options_that_there_are(self) -> None:
        assert json.loads(instruction("ENTRYPOINT")) == ["watchdog"]
        command, *options = json.loads(instruction("CMD"))
        assert command == "run"
        said = CliRunner().invoke(run_command, ["--help"]).output
        assert [each for each in options if each.startswith("--") and each not in said] == []


class TestHealthCheck:
    """The command of the image, run against a service that is well, one that is not, and none."""

    def exit_code(self, port: int) -> int:
        words = instruction("HEALTHCHECK").split("CMD ", 1)[1]
        _, *arguments = json.loads(words.replace(f":{PORT}/", f":{port}/"))
        return subprocess.run(
            [sys.executable, *arguments], capture_output=True, check=False
        ).returncode

    @contextmanager
    def service(self, status: int) -> Iterator[int]:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == "/readyz" else 404)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep the test's output clean."""

        with HTTPServer(("127.0.0.1", 0), Answer) as server:
            thread = Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield server.server_port
            server.shutdown()
            thread.join()

    def test_a_ready_service_is_healthy(self) -> None:
        with self.service(200) as port:
            assert self.exit_code(port) == 0

    def test_a_service_that_is_not_ready_is_not_healthy(self) -> None:
        with self.service(503) as port:
            assert self.exit_code(port) == 1

    def test_no_service_is_not_healthy(self) -> None:
        with self.service(200) as port:
            pass
        assert self.exit_code(port) == 1

    def test_it_looks_where_the_service_listens(self) -> None:
        assert f"127.0.0.1:{PORT}/readyz" in instruction("HEALTHCHECK")
        assert f"0.0.0.0:{PORT}" in instruction("CMD")
        assert instruction("EXPOSE") == PORT


class TestCompose:
    def test_every_image_is_named_by_version(self, compose: dict[str, Any]) -> None:
        images = [service["image"] for service in compose["services"].values()]
        assert [
            each for each in images if fnmatch.fnmatch(each, "*:latest") or ":" not in each
        ] == []

    def test_the_service_waits_for_its_database(self, compose: dict[str, Any]) -> None:
        waits = compose["services"]["watchdog"]["depends_on"]
        assert waits == {"postgres": {"condition": "service_healthy"}}
        assert "healthcheck" in compose["services"]["postgres"]

    def test_the_dsn_leads_to_that_database(self, compose: dict[str, Any]) -> None:
        dsn = compose["services"]["watchdog"]["environment"]["WATCHDOG_DSN"]
        database = compose["services"]["postgres"]["environment"]
        user, name = database["POSTGRES_USER"], database["POSTGRES_DB"]
        assert dsn == f"postgresql://{user}:{database['POSTGRES_PASSWORD']}@postgres:5432/{name}"

    def test_no_password_is_in_the_file_and_a_missing_one_is_an_error(
        self, compose: dict[str, Any]
    ) -> None:
        password = compose["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]
        assert re.fullmatch(r"\$\{\w+:\?.+\}", password)

    def test_all_data_are_in_volumes_that_have_names(self, compose: dict[str, Any]) -> None:
        mounts = [each for service in compose["services"].values() for each in service["volumes"]]
        named = {each.split(":")[0] for each in mounts if not each.startswith(".")}
        assert named == set(compose["volumes"])

    def test_the_page_is_reachable_from_this_machine_only(self, compose: dict[str, Any]) -> None:
        ports = [
            port for service in compose["services"].values() for port in service.get("ports", [])
        ]
        assert ports == [f"127.0.0.1:{PORT}:{PORT}"]
