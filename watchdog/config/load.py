"""From files to a configuration, with every mistake of them in one pass."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rules.values import dataclass
from watchdog.config.files import Disk, Files, Stored
from watchdog.config.gather import Gathered, gather
from watchdog.config.model import Config, Place, Report, Rule, Service, WeeklyReport
from watchdog.config.problems import Level, Problem
from watchdog.config.secrets import Masks

if TYPE_CHECKING:
    from pydantic import BaseModel

    from watchdog.config.rulebook import Rulebook
    from watchdog.config.sections import Settings


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of reading a configuration.

    Attributes:
        config: None when there are errors; with `partial`, only when the root file is unreadable.
        problems: Everything that is wrong, in the order of files and lines.
        texts: The files that could be read, by the path that places name, for excerpts.
        rules: How many rules the files declare, right or wrong.
        masks: Where secrets stand in clear text, so that no excerpt shows them.
        watched: Files that were read or looked for, patterns of includes among them.
    """

    config: Config | None
    problems: tuple[Problem, ...]
    texts: Mapping[str, str]
    rules: int = 0
    masks: Masks = field(default_factory=Masks)
    watched: frozenset[Path] = frozenset()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return what keeps the files from being used."""
        return tuple(problem for problem in self.problems if problem.is_error)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Return what is odd but can be used."""
        return tuple(problem for problem in self.problems if not problem.is_error)


def load(
    path: str | os.PathLike[str],
    env: Mapping[str, str],
    *,
    partial: bool = False,
    kinds: "Mapping[str, type[BaseModel]] | None" = None,
) -> Loaded:
    """Read a configuration from the disk. Never raises for anything that files can hold.

    Args:
        env: Where `${NAME}` is looked up.
        partial: Keep what is right and report the rest in `config.broken`: for a start without
            a last good configuration.
        kinds: Kinds of rules by name; those of `rules` by default.
    """
    disk = Disk()
    loaded = _load(os.path.normpath(path), env, disk, partial=partial, kinds=kinds)
    return replace(loaded, watched=frozenset(disk.asked_for))


def load_text(
    files: Mapping[str, str],
    root: str,
    env: Mapping[str, str],
    *,
    partial: bool = False,
    kinds: "Mapping[str, type[BaseModel]] | None" = None,
) -> Loaded:
    """Read a configuration from kept texts, such as `config.files` of an earlier load.

    Args:
        files: Text of each file by its path, as `Config.files` holds them.
        root: Path of the file that includes the others.
    """
    return _load(os.path.normpath(root), env, Stored(files), partial=partial, kinds=kinds)


def _load(
    root: str,
    env: Mapping[str, str],
    files: Files,
    *,
    partial: bool,
    kinds: "Mapping[str, type[BaseModel]] | None",
) -> Loaded:
    gathered = gather(root, env, files)
    if not gathered.has_root:
        return Loaded(None, _in_order(gathered.problems, gathered), gathered.texts)
    from watchdog.config.crosschecks import check_dependencies, check_order, check_routes
    from watchdog.config.rulebook import read_rules
    from watchdog.config.settings import read_settings

    settings = read_settings(gathered, files)
    book = read_rules(gathered, settings, _kinds() if kinds is None else kinds)
    reports, wrong = _reports(gathered, settings)
    check_dependencies(book, settings, is_whole=gathered.is_whole)
    problems = [*gathered.problems, *settings.problems, *book.problems]
    problems += [problem for draft in book.drafts for problem in draft.problems]
    problems += check_order(book)
    problems += check_routes(book, settings, is_whole=gathered.is_whole)
    found = _in_order([*problems, *wrong], gathered)
    is_right = not any(problem.is_error for problem in found)
    config = None
    if is_right or partial:
        config = _config(gathered, settings, book, reports)
    return Loaded(config, found, gathered.texts, len(book.drafts), settings.masks)


def _reports(
    gathered: Gathered, settings: "Settings"
) -> tuple[Mapping[str, Report | WeeklyReport], list[Problem]]:
    if not gathered.named("reports") and not gathered.named("packs"):
        return {}, []
    from watchdog.config.reporting import read_reports

    return read_reports(gathered, settings)


def _kinds() -> "Mapping[str, type[BaseModel]]":
    from rules.registry import KINDS

    return KINDS


def _in_order(problems: list[Problem], gathered: Gathered) -> tuple[Problem, ...]:
    """Return problems by file and line; one that several rules of a template share, once."""
    files = {file: number for number, file in enumerate(gathered.texts)}

    def rank(problem: Problem) -> tuple[int, int, int, bool, str]:
        place = problem.place
        number = files.get(place.file, len(files))
        return (number, place.line, place.column, problem.level is Level.WARNING, problem.code)

    once: dict[tuple[str, str, Place], Problem] = {}
    for problem in problems:
        once.setdefault((problem.code, problem.message, problem.place), problem)
    return tuple(sorted(once.values(), key=rank))


def _without_missing(rule: Rule, there: set[str]) -> Rule:
    """Return a rule that waits for nothing that could not be loaded."""
    if there.issuperset(rule.parents):
        return rule
    muting = rule.unless_open
    return replace(
        rule,
        depends_on=tuple(one for one in rule.depends_on if one in there),
        unless_open=muting if muting and muting.rule in there else None,
    )


def _config(
    gathered: Gathered,
    settings: "Settings",
    book: "Rulebook",
    reports: Mapping[str, Report | WeeklyReport],
) -> Config:
    from watchdog.config.broken import broken_rules, sources_of
    from watchdog.domain.people import Directory

    sources = {
        name: source for name, source in settings.sources.items() if source.team in settings.teams
    }
    good = {
        name: rule
        for name, rule in book.rules.items()
        if rule.team in settings.teams and sources.keys() >= {*sources_of(rule.kind), *rule.queried}
    }
    there = {*good, *sources}
    rules = {name: _without_missing(rule, there) for name, rule in good.items()}
    return Config(
        service=settings.service or Service(),
        slack=settings.slack,
        webhook=settings.webhook,
        apprise=settings.apprise,
        email=settings.email,
        sources=sources,
        maintenance=tuple(settings.maintenance),
        storms=settings.storms,
        directory=Directory(
            settings.people,
            settings.teams,
            tuple(route for route, _ in settings.routes),
            settings.service.url,
        ),
        rules=rules,
        reports={name: one for name, one in reports.items() if isinstance(one, Report)},
        weeklies={name: one for name, one in reports.items() if isinstance(one, WeeklyReport)},
        broken=broken_rules(book, rules, sources, settings),
        files=dict(gathered.texts),
        digest=digest_of(gathered.texts),
    )


def digest_of(texts: Mapping[str, str]) -> bytes:
    """Return a digest over all files, names and lengths included."""
    digest = hashlib.sha256()
    for path in sorted(texts):
        for part in (path.encode(errors="surrogateescape"), texts[path].encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
