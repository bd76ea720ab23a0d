"""Runs the benchmarks: `python -m bench [NAME …] [--quick]`."""

import argparse
import asyncio
import importlib
import json
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from bench.goals import FIGURES, Figure
from bench.machine import described

RESULTS = Path(__file__).with_name("results.json")
_LONGEST_S = 1200
_ONCE = ("packs",)
"""What makes its tables for minutes, and then asks each statement several times."""

Benchmark = Callable[..., Awaitable[dict[str, float]]]


def benchmark(name: str) -> tuple[Benchmark, dict[str, Any]]:
    """Return what measures `name`, with its arguments; its libraries are imported here."""
    if name.startswith("rules-"):
        return importlib.import_module("bench.evaluations").rules, {
            "count": int(name.removeprefix("rules-"))
        }
    modules = {"entities": "evaluations", "storm": "evaluations", "apart": "evaluations"}
    module = importlib.import_module(f"bench.{modules.get(name, name)}")
    return getattr(module, name), {}


def measured(name: str, runs: int, *, quick: bool) -> dict[str, list[float]]:
    """Return every figure of a benchmark, once a run; each run is a fresh process."""
    command = [sys.executable, "-m", "bench", "--only", name, *(["--quick"] if quick else [])]
    found: dict[str, list[float]] = {}
    for _ in range(runs):
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=_LONGEST_S)
        for key, value in json.loads(done.stdout).items():
            found.setdefault(key, []).append(value)
    return found


def row(figure: Figure, values: Sequence[float]) -> str:
    """Return a line of the table: the median, the extremes, and the goal."""
    middle = statistics.median(values)
    spread = f"{short(min(values))} – {short(max(values))}"
    cells = (figure.words, f"{short(middle)} {figure.unit}".strip(), spread, figure.goal())
    return f"| {' | '.join(cells)} | {figure.verdict(middle)} |"


def short(value: float) -> str:
    """Return a number with three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main() -> None:
    """Measure, print the table, and write the JSON."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FIGURES))
    parser.add_argument("--quick", action="store_true", help="less often; for a first look")
    parser.add_argument("--runs", type=int, help="fresh processes for each, 5 by default")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if unknown := set(given.names) - set(FIGURES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; known are {', '.join(FIGURES)}")
    if given.only:
        run, arguments = benchmark(given.only)
        print(json.dumps(asyncio.run(run(**arguments, quick=given.quick))))  # type: ignore[arg-type]
        return
    _report(
        given.names or list(FIGURES), given.runs or (1 if given.quick else 5), quick=given.quick
    )


def _report(names: Sequence[str], runs: int, *, quick: bool) -> None:
    machine = described()
    print(", ".join(f"{key} {value}" for key, value in machine.items()), f"medians of {runs}\n")
    print("| what | median | range | goal | met |\n| --- | ---: | ---: | ---: | --- |")
    results: dict[str, dict[str, list[float]]] = {}
    for name in names:
        results[name] = measured(name, 1 if name in _ONCE else runs, quick=quick)
        for figure in FIGURES[name]:
            print(row(figure, results[name][figure.key]), flush=True)
    RESULTS.write_text(
        json.dumps({"machine": machine, "quick": quick, "results": results}, indent=2), "utf-8"
    )


if __name__ == "__main__":
    main()
