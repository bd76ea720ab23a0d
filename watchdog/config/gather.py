"""From a root file to one tree: includes followed, sections merged by name."""

from collections.abc import Mapping
from dataclasses import field

from rules.values import dataclass
from watchdog.config.files import BYTES_MAX, INCLUDES_MAX, Files, beside, pack_path
from watchdog.config.model import Place
from watchdog.config.nodes import Entry, Listing, Node, Scalar, Table, find
from watchdog.config.problems import Problem, did_you_mean, listed, shown
from watchdog.config.reading import parse, visible_path
from watchdog.config.secrets import TOKEN_SHAPES, replace_references, written_secrets

VERSION = 1
NAMED = ("sources", "people", "teams", "channels", "packs", "templates", "rules", "reports")
"""Sections that are merged by name over all files."""
SINGLE = ("service", "defaults", "routes", "maintenance", "storms")
"""Sections that stand in one file."""
TOP = (
    "version",
    "include",
    "service",
    "channels",
    "defaults",
    "sources",
    "people",
    "teams",
    "routes",
    "maintenance",
    "storms",
    "packs",
    "templates",
    "rules",
    "reports",
)
FILES_MAX = 1000


@dataclass(slots=True)
class Gathered:
    """Everything that was read.

    Attributes:
        sections: The merged content of each section that exists.
        is_whole: Every file could be parsed, so that a missing name is really missing.
        has_root: The root file itself could be parsed.
        packs: The content of each pack that is used, by its path.
        known_packs: Names of all packs, if any is used.
    """

    sections: dict[str, Entry] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    is_whole: bool = True
    has_root: bool = False
    packs: dict[str, Table] = field(default_factory=dict)
    known_packs: list[str] = field(default_factory=list)

    def named(self, section: str) -> dict[str, Entry]:
        """Return the entries of a section by name."""
        entry = self.sections.get(section)
        return entry.value.entries if entry and isinstance(entry.value, Table) else {}


def gather(root: str, env: Mapping[str, str], files: Files) -> Gathered:
    """Read the root file and what it includes."""
    gathered = Gathered()
    gathering = _Gathering(gathered, env, files)
    gathering.file(root, ())
    if gathered.named("packs"):
        gathering.packs()
    return gathered


def pack_name(entry: Entry) -> Scalar:
    """Return which pack an entry of `packs:` uses: what `pack` says, or the one of its name."""
    named = find(entry.value, ("pack",)).value
    is_said = isinstance(entry.value, Table) and "pack" in entry.value.entries
    return named if is_said and isinstance(named, Scalar) else entry.key


@dataclass(slots=True)
class _Gathering:
    found: Gathered
    env: Mapping[str, str]
    files: Files

    def file(self, path: str, above: tuple[str, ...], asked: Scalar | None = None) -> None:
        """Read one file; `above` are the files that lead to it, `asked` is where it is named."""
        if path in self.found.texts:
            return
        if len(self.found.texts) >= FILES_MAX:
            self.lost(path, "too-large", f"is one file more than {FILES_MAX}", asked)
            return
        text = self.text(path, asked)
        if text is None:
            self.found.is_whole = False
            return
        self.found.texts[path] = text
        parsed = parse(text, path)
        self.found.problems += parsed.problems
        if not isinstance(parsed.root, Table):
            self.found.is_whole = False
            if parsed.root is not None:
                words = "a configuration is a mapping such as `rules:`"
                self.complain("wrong-type", words, parsed.root)
            return
        self.found.has_root |= not above
        if TOKEN_SHAPES.search(text):
            self.found.problems += written_secrets(parsed.root)
        if "${" in text:
            self.found.problems += replace_references(parsed.root, self.env)
        self.take(path, parsed.root, above)

    def packs(self) -> None:
        """Read the file of every pack that is used; who uses it says if there is none."""
        self.found.known_packs = self.files.packs()
        for entry in self.found.named("packs").values():
            asked = pack_name(entry)
            path = pack_path(asked.text)
            if asked.text in self.found.known_packs and path not in self.found.texts:
                self.pack(path, asked)

    def pack(self, path: str, asked: Scalar) -> None:
        text = self.text(path, asked)
        if text is None:
            return
        self.found.texts[path] = text
        parsed = parse(text, path)
        self.found.problems += parsed.problems
        if isinstance(parsed.root, Table) and not parsed.problems:
            self.found.packs[path] = parsed.root
        else:
            self.found.is_whole = False

    def text(self, path: str, asked: Scalar | None) -> str | None:
        """Return the text of a file, or None after having said why there is none."""
        content = b""
        refusal: tuple[str, str] | None = None
        try:
            content = self.files.read(path)
        except FileNotFoundError:
            refusal = ("missing-file", "does not exist")
        except IsADirectoryError:
            refusal = ("not-a-file", "is a directory")
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or "its name is not one").lower()
            refusal = ("unreadable-file", f"cannot be read: {reason}")
        if len(content) > BYTES_MAX:
            refusal = ("too-large", "is larger than 1 MiB")
        if refusal:
            self.lost(path, *refusal, asked)
            return None
        return self.decoded(path, content)

    def decoded(self, path: str, content: bytes) -> str | None:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            place = _place_of_byte(path, content, error.start)
            words = f"`{visible_path(path)}` is not UTF-8"
            label = f"byte 0x{content[error.start]:02x}"
            self.found.problems.append(Problem("not-utf8", words, place, label=label))
            return None

    def lost(self, path: str, code: str, words: str, asked: Scalar | None) -> None:
        message = f"`{visible_path(path)}` {words}"
        if asked is None:
            self.found.problems.append(Problem(code, message, Place(path, 0, 0)))
        else:
            self.complain(code, message, asked)

    def complain(self, code: str, message: str, node: Node, label: str = "") -> None:
        span = node.span
        self.found.problems.append(Problem(code, message, span.place, span.end_column, label=label))

    def take(self, path: str, table: Table, above: tuple[str, ...]) -> None:
        for name, entry in table.entries.items():
            if name in NAMED:
                self.merge(name, entry)
            elif name in SINGLE:
                self.take_single(name, entry)
            elif name not in TOP and not name.startswith("x-"):
                label = did_you_mean(name, TOP)
                message = f"`{shown(name)}` is not a key of the configuration"
                note = f"allowed: {listed(TOP)}"
                span = entry.key.span
                self.found.problems.append(
                    Problem("unknown-key", message, span.place, span.end_column, label, (note,))
                )
        self.check_version(path, table, is_root=not above)
        if "include" in table.entries:
            self.include(path, table.entries["include"].value, above)

    def check_version(self, path: str, table: Table, *, is_root: bool) -> None:
        node = table.get("version")
        if node is None and is_root:
            place = Place(path, 1, 1)
            message = "the file does not say which version of the language it is in"
            label = f"begin with `version: {VERSION}`"
            self.found.problems.append(Problem("missing-key", message, place, 2, label))
        elif node is not None and not (isinstance(node, Scalar) and node.text == str(VERSION)):
            self.complain("bad-version", "no such version", node, f"write `version: {VERSION}`")

    def include(self, path: str, node: Node, above: tuple[str, ...]) -> None:
        patterns = node.items if isinstance(node, Listing) else [node]
        for pattern in patterns:
            if isinstance(pattern, Scalar) and pattern.is_empty:
                continue
            if not isinstance(pattern, Scalar):
                words = "`include` is a list of files and patterns"
                self.complain("wrong-type", words, pattern)
                continue
            self.include_pattern(path, pattern, above)

    def include_pattern(self, path: str, pattern: Scalar, above: tuple[str, ...]) -> None:
        try:
            found = self.files.matching(beside(path, pattern.text))
        except (OSError, ValueError):
            found = [pattern.text]
        if len(found) > INCLUDES_MAX:
            self.complain("too-large", f"names more than {INCLUDES_MAX} files", pattern)
        for one in found[:INCLUDES_MAX]:
            if one in (*above, path):
                chain = " → ".join(visible_path(file) for file in (*above, path, one))
                self.complain("include-cycle", f"the file includes itself: {chain}", pattern)
            else:
                self.file(one, (*above, path), pattern)

    def merge(self, name: str, entry: Entry) -> None:
        if isinstance(entry.value, Scalar) and entry.value.is_empty:
            return
        if not isinstance(entry.value, Table):
            words = f"`{name}` is a mapping of names"
            self.complain("wrong-type", words, entry.value)
            return
        into = self.found.sections.setdefault(name, Entry(entry.key, Table({}, entry.value.span)))
        assert isinstance(into.value, Table)
        for key, one in entry.value.entries.items():
            if key.startswith("x-"):
                continue
            first = into.value.entries.setdefault(key, one)
            if first is not one:
                self.twice("duplicate-name", f"{_ONE[name]} `{shown(key)}`", one, first)

    def take_single(self, name: str, entry: Entry) -> None:
        first = self.found.sections.setdefault(name, entry)
        if first is not entry:
            self.twice("duplicate-section", f"`{name}`", entry, first)

    def twice(self, code: str, what: str, entry: Entry, first: Entry) -> None:
        span = entry.key.span
        self.found.problems.append(
            Problem(
                code,
                f"{what} is declared twice",
                span.place,
                span.end_column,
                related=(first.key.span.place, "the first one is here"),
            )
        )


_ONE = {
    "sources": "source",
    "people": "person",
    "teams": "team",
    "channels": "channel",
    "packs": "pack",
    "templates": "template",
    "rules": "rule",
    "reports": "report",
}


def _place_of_byte(path: str, content: bytes, at: int) -> Place:
    start = content.rfind(b"\n", 0, at) + 1
    column = len(content[start:at].decode("utf-8", errors="replace")) + 1
    return Place(path, content.count(b"\n", 0, at) + 1, column)
