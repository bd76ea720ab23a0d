"""The service as teams run it, with 1,000 rules: its memory, and what it costs while all is well."""

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

import asyncpg

from bench import machine
from bench.rulefiles import sql_rules
from watchdog.store.embedded import dsn_of

_RULES = 1000
_GOOD_LOOKS = "select count(*) from watchdog.rule_look where outcome = 'ok'"


async def memory(*, quick: bool) -> dict[str, float]:
    """Run `watchdog run` until every rule was looked at a few times, then look at its process."""
    every_s, watched_s = (10, 10.0) if quick else (60, 60.0)
    with tempfile.TemporaryDirectory(prefix="watchdog-bench-") as folder:
        data, rules = Path(folder, "data"), Path(folder, "rules.yaml")
        rules.write_text(sql_rules(_RULES, "postgresql://unknown/", f"{every_s}s"), "utf-8")
        service = await _started(data, rules)
        try:
            dsn = await _store_dsn(data)
            await _make_jobs(dsn)
            assert service.stdout is not None
            await service.stdout.readline()  # it is up, so SIGHUP is heard
            rules.write_text(sql_rules(_RULES, dsn, f"{every_s}s"), "utf-8")
            service.send_signal(signal.SIGHUP)
            await _all_looked_at(dsn, every_s)
            before_s = machine.cpu_s(service.pid)
            await asyncio.sleep(watched_s)
            used_s = machine.cpu_s(service.pid) - before_s
            postmaster = int((data / "cluster" / "postmaster.pid").read_text().splitlines()[0])
            return {
                "rss_mb": machine.rss_mb(service.pid),
                "cpu_percent": 100 * used_s / watched_s * every_s / 60,
                "database_mb": machine.family_memory_mb(postmaster),
            }
        finally:
            service.terminate()
            await service.wait()


async def _started(data: Path, rules: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "watchdog", "run", "--listen", "127.0.0.1:0"),
        *("--config", str(rules), "--data", str(data)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | {"SLACK_BOT_TOKEN": "", "SMTP_URL": ""},
    )


async def _store_dsn(data: Path) -> str:
    """Return the DSN of the embedded store once it answers and is migrated."""
    async with asyncio.timeout(60):
        while True:
            if (dsn := dsn_of(data)) and await _is_migrated(dsn):
                return dsn
            await asyncio.sleep(0.2)


async def _is_migrated(dsn: str) -> bool:
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        return await connection.fetchval("select to_regclass('watchdog.rule_look')") is not None
    finally:
        await connection.close()


async def _make_jobs(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "create table public.job as select 'q' || n as queue, 'running' as status"
            " from generate_series(0, 9999) n;"
            "create index on public.job (queue); analyze public.job"
        )
    finally:
        await connection.close()


async def _all_looked_at(dsn: str, every_s: int) -> None:
    """Return when the store knows a good look at every rule."""
    connection = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(3 * every_s + 60):
            while await connection.fetchval(_GOOD_LOOKS) != _RULES:  # noqa: ASYNC110 (polled)
                await asyncio.sleep(1)
    finally:
        await connection.close()
