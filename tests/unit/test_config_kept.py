"""Files of a configuration: which are read, in which order, and the same from a disk and from kept texts."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config_files import GOOD, codes
from watchdog.config.files import BYTES_MAX, INCLUDES_MAX, Disk, Stored, beside
from watchdog.config.load import Loaded, digest_of, load, load_text

RULE = "{ queue: { source: crm, table: jobs, max_rows: 1 } }"
NAMES = [
    "a.yaml",
    "b.yaml",
    ".hidden.yaml",
    "d/c.yaml",
    "d/.h.yaml",
    ".d/e.yaml",
    "x[1].yaml",
    "A.yaml",
]


def texts_of(**files: str) -> Loaded:
    named = {f"{name}.yaml": text for name, text in files.items()}
    return load_text(named, "root.yaml", {})


@pytest.mark.parametrize(
    "pattern",
    [
        "*.yaml",
        "?.yaml",
        "[ab].yaml",
        "[!a].yaml",
        ".*.yaml",
        "*",
        "*/*.yaml",
        "d/*.yaml",
        "d/*",
        ".d/*",
        "*/c.yaml",
        "**",
        "x[[]1].yaml",
        "x[1].yaml",
        "nothing/*",
        "a.yaml",
    ],
)
def test_a_pattern_names_the_same_kept_texts_as_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert Stored(dict.fromkeys(NAMES, "")).matching(pattern) == Disk().matching(pattern)


def test_a_hidden_root_does_not_include_itself_once_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".rules.yaml").write_text("version: 1\ninclude: '*.yaml'\n")
    Path("more.yaml").write_text("people: { ana: { email: a@b } }\n")
    config = load(".rules.yaml", {}).config
    assert config is not None
    again = load_text(config.files, ".rules.yaml", {})
    assert again.problems == ()
    assert again.config is not None
    assert again.config.digest == config.digest


@pytest.mark.parametrize(
    ("file", "path", "found"),
    [
        ("rules.yaml", "more.yaml", "more.yaml"),
        ("a/rules.yaml", "more.yaml", "a/more.yaml"),
        ("a/rules.yaml", "./b/../more.yaml", "a/more.yaml"),
        ("a/rules.yaml", "../more.yaml", "more.yaml"),
        ("/etc/w/rules.yaml", "d/*.yaml", "/etc/w/d/*.yaml"),
        ("a/rules.yaml", "/srv/more.yaml", "/srv/more.yaml"),
    ],
)
def test_an_included_file_is_looked_for_beside_its_file(file: str, path: str, found: str) -> None:
    assert beside(file, path) == found


def test_the_disk_remembers_what_it_was_asked_for(tmp_path: Path) -> None:
    disk = Disk()
    with pytest.raises(FileNotFoundError):
        disk.read(str(tmp_path / "gone.yaml"))
    disk.matching(str(tmp_path / "*.yaml"))
    assert disk.asked_for == {tmp_path / "gone.yaml", tmp_path / "*.yaml"}


def test_kept_texts_hold_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    with pytest.raises(FileNotFoundError):
        Stored({}).read(str(tmp_path / "a"))
    assert Stored({}).read_secret(str(tmp_path / "a")) == b"x"


def test_no_more_is_read_than_a_configuration_may_have(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * (BYTES_MAX + 500))
    assert len(Disk().read(str(path))) == BYTES_MAX + 1
    (problem,) = load(path, {}).problems
    assert (problem.code, problem.message) == ("too-large", f"`{path}` is larger than 1 MiB")


def test_a_file_of_just_the_largest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"version: 1\n#".ljust(BYTES_MAX, b"x"))
    assert load(path, {}).problems == ()


@pytest.mark.parametrize(
    ("include", "code", "message"),
    [
        ("gone.yaml", "missing-file", "`gone.yaml` does not exist"),
        ("root.yaml", "include-cycle", "the file includes itself: root.yaml → root.yaml"),
        ("./root.yaml", "include-cycle", "the file includes itself: root.yaml → root.yaml"),
        ("'*.yaml'", "include-cycle", "the file includes itself: root.yaml → root.yaml"),
        ("[[a.yaml]]", "wrong-type", "`include` is a list of files and patterns"),
        ("{ a: b }", "wrong-type", "`include` is a list of files and patterns"),
    ],
)
def test_an_include_that_leads_nowhere_is_told_where_it_stands(
    include: str, code: str, message: str
) -> None:
    (problem,) = texts_of(root=f"version: 1\ninclude: {include}\n").problems
    assert (problem.code, problem.message) == (code, message)
    assert (problem.place.file, problem.place.line) == ("root.yaml", 2)


def test_a_circle_of_files_is_told_with_its_way() -> None:
    loaded = texts_of(
        root="version: 1\ninclude: a.yaml\n", a="include: b.yaml\n", b="include: root.yaml\n"
    )
    (problem,) = loaded.problems
    words = "the file includes itself: root.yaml → a.yaml → b.yaml → root.yaml"
    assert (problem.code, problem.message, problem.place.file) == ("include-cycle", words, "b.yaml")


def test_a_file_that_two_include_is_read_once() -> None:
    loaded = texts_of(
        root="version: 1\ninclude: [a.yaml, b.yaml, a.yaml]\n",
        a="include: c.yaml\n",
        b="include: c.yaml\n",
        c="people: { ana: { email: a@b } }\n",
    )
    assert loaded.problems == ()
    assert list(loaded.texts) == ["root.yaml", "a.yaml", "c.yaml", "b.yaml"]


@pytest.mark.parametrize("include", ["", "[]", "[~]", "['nothing-*.yaml']"])
def test_nothing_may_be_included(include: str) -> None:
    loaded = texts_of(root=f"version: 1\ninclude: {include}\n")
    assert codes(loaded) in ([], ["missing-file"] if include == "[~]" else [])


@pytest.mark.parametrize(
    ("section", "one", "what"),
    [
        ("people", "{ ana: {} }", "person `ana`"),
        ("teams", "{ ana: { lead: x } }", "team `ana`"),
        ("sources", "{ ana: {} }", "source `ana`"),
        ("rules", "{ ana: {} }", "rule `ana`"),
        ("templates", "{ ana: {} }", "template `ana`"),
        ("channels", "{ slack: {} }", "channel `slack`"),
        ("service", "{}", "`service`"),
        ("defaults", "{}", "`defaults`"),
        ("routes", "[]", "`routes`"),
    ],
)
def test_two_files_cannot_declare_the_same(section: str, one: str, what: str) -> None:
    loaded = texts_of(
        root=f"version: 1\ninclude: a.yaml\n{section}: {one}\n", a=f"{section}: {one}\n"
    )
    problem = next(one for one in loaded.problems if one.code.startswith("duplicate"))
    assert problem.message == f"{what} is declared twice"
    assert problem.place.file == "a.yaml"
    assert problem.related is not None
    assert problem.related[0].file == "root.yaml"


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("version: 1", None),
        ("version: '1'", None),
        ("", "missing-key"),
        ("version: 2", "bad-version"),
        ("version: 1.0", "bad-version"),
        ("version: one", "bad-version"),
        ("version: [1]", "bad-version"),
        ("version:", "bad-version"),
    ],
)
def test_a_root_says_its_version(version: str, code: str | None) -> None:
    assert codes(texts_of(root=f"{version}\npeople: {{}}\n")) == ([code] if code else [])


def test_an_included_file_may_say_its_version_and_must_say_it_right() -> None:
    root = "version: 1\ninclude: a.yaml\n"
    assert codes(texts_of(root=root, a="version: 1\n")) == []
    assert codes(texts_of(root=root, a="people: {}\n")) == []
    assert codes(texts_of(root=root, a="version: 3\n")) == ["bad-version"]


def test_more_files_than_may_be_named_by_a_pattern_are_refused() -> None:
    many = {f"d/{number:05d}.yaml": "x-a: 1\n" for number in range(INCLUDES_MAX + 1)}
    root = {"root.yaml": "version: 1\ninclude: d/*.yaml\n"}
    loaded = load_text(root | many, "root.yaml", {})
    assert codes(loaded) == ["too-large", "too-large"]
    assert len(loaded.texts) == INCLUDES_MAX


def test_problems_come_in_the_order_of_files_and_lines() -> None:
    loaded = texts_of(
        root="version: 1\ninclude: [b.yaml, a.yaml]\nx: 1\ny: 1\n", a="z: 1\n", b="v: 1\nw: 1\n"
    )
    places = [(one.place.file, one.place.line) for one in loaded.problems]
    assert places == [
        ("root.yaml", 3),
        ("root.yaml", 4),
        ("b.yaml", 1),
        ("b.yaml", 2),
        ("a.yaml", 1),
    ]


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4))
def test_a_digest_does_not_depend_on_the_order_of_files(texts: dict[str, str]) -> None:
    assert digest_of(texts) == digest_of(dict(reversed(texts.items())))


@given(st.text(max_size=6), st.text(max_size=6), st.text(max_size=6))
def test_a_digest_tells_where_a_name_ends(name: str, text: str, more: str) -> None:
    one, other = {name + more: text}, {name: more + text}
    assert (digest_of(one) == digest_of(other)) == (one == other)


@pytest.mark.parametrize(
    ("content", "line", "column", "label"),
    [
        (b"\xff", 1, 1, "byte 0xff"),
        (b"version: 1\nx: \xe9", 2, 4, "byte 0xe9"),
        ("version: 1\nx: é ".encode() + b"\x80", 2, 6, "byte 0x80"),
        ("version: 1\n".encode("utf-16"), 1, 1, "byte 0xff"),
    ],
)
def test_what_is_not_utf8_is_told_by_its_place(
    tmp_path: Path, content: bytes, line: int, column: int, label: str
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(content)
    (problem,) = load(path, {}).problems
    assert (problem.code, problem.label) == ("not-utf8", label)
    assert (problem.place.line, problem.place.column) == (line, column)


def test_a_linked_file_is_read_through_its_link(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text(GOOD)
    os.symlink("real.yaml", tmp_path / "rules.yaml")
    loaded = load(tmp_path / "rules.yaml", {"CRM_DSN": "postgres://h"})
    assert loaded.problems == ()
    assert loaded.watched == {tmp_path / "rules.yaml"}
