"""Which class a failure belongs to, by the words of its error."""

from collections.abc import Mapping, Sequence
from typing import Any

import re2

from rules.base import FailureClass, Severity
from rules.values import dataclass

TEXT_MAX = 10_000
"""Most characters of an error text that are looked at."""
PATTERN_MAX = 1_000
PATTERNS_MAX = 100

_KEY = r"(?:api|access|auth|secret|private|signing|licen[cs]e)[ _-]?key"
_CREDENTIAL = rf"(?:\w+_)?(?:{_KEY}|secret|token|credentials?|password|signature|certificate)s?"
_SPOILT = r"invalid|missing|expired|revoked|bad|wrong|incorrect|unknown|rejected|malformed"
BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "auth_config": (
        r"\b(?:401|403)\b",
        rf"\b(?:{_SPOILT})\s+(?:\w+\s+){{0,2}}{_CREDENTIAL}\b",
        rf"\b{_CREDENTIAL}\s+(?:\w+\s+){{0,3}}(?:{_SPOILT}|not (?:set|found|valid|configured))\b",
        r"\b(?:unauthori[sz]ed|unauthenticated|forbidden|not authori[sz]ed|access denied)\b",
        r"\b(?:permission denied|authentication (?:failed|error|required)|invalid_(?:grant|client))\b",
        r"\bcredentials?\b|\binvalid key\b|\bcertificate verify failed\b",
        r"\bkey (?:\w+ ){0,3}(?:revoked|expired|rejected)\b",
    ),
    "transient": (
        r"\b(?:429|5\d\d)\b",
        r"\brate[ _-]?limit|\btoo many requests\b|\bthrottl",
        r"\btime[d]?[ _-]?out\b|\bdeadline exceeded\b|\bETIMEDOUT\b",
        r"\bconnection (?:was )?(?:reset|refused|closed|aborted|lost)|\bECONN\w+|\bbroken pipe\b",
        r"\bclosed the connection\b|\bEAI_AGAIN\b",
        r"\btemporar(?:y|ily)\b|\b(?:service|server) (?:is )?unavailable\b|\btry again\b",
        r"\bbad gateway\b|\binternal server error\b|\bsocket hang ?up\b|\boverloaded\b",
        r"\bdeadlock\b|\bcould not serialize\b|\block(?: wait)? timeout\b|\bdatabase is locked\b",
    ),
    "data_logic": (
        r"\bschema\b|\bmigration\b",
        r"\bpars(?:e|ing)\b|\bunmarshal|\bdeserializ|\bdecod(?:e|ing) (?:error|failed)|DecodeError\b",
        r"\b(?:bad|invalid|stale|unknown|missing|malformed) (?:cursor|page|json|payload|data|field|key)",
        r"\bconstraint\b|\bduplicate key\b|\bforeign key\b|\bnot[- ]null\b",
        r"\bunexpected\b|\bmismatch|\bvalidation\b|\bout of range\b|\b(?:422|400)\b",
        r"\b(?:Type|Key|Value|Attribute|Reference|Syntax)Error\b|\bundefined\b|\bdoes not exist\b",
    ),
    "scheduler": (
        r"\bmissed\b|\b(?:not|never) (?:been )?(?:scheduled|started|triggered)\b",
        r"\bscheduler\b|\bcron\b|\boverlapping run\b|\bskipped (?:run|slot)\b",
    ),
}
"""Patterns of the classes that are known without being declared; the first class that matches wins."""


class PatternError(ValueError):
    """A pattern that RE2 does not take.

    Attributes:
        failure_class: The class it was declared for.
        index: Its place among that class's patterns.
    """

    def __init__(self, failure_class: str, index: int, reason: str) -> None:
        super().__init__(reason)
        self.failure_class = failure_class
        self.index = index


@dataclass(frozen=True)
class ClassSpec:
    """What a team says about a class.

    Attributes:
        patterns: None keeps the built-in ones.
    """

    patterns: tuple[str, ...] | None = None
    severity: Severity | None = None
    in_a_row: int | None = None
    open_after: int | None = None


@dataclass(frozen=True, slots=True)
class PatternClassifier:
    """Recognises error texts by RE2 patterns, which take time linear in the text.

    Attributes:
        patterns: Compiled patterns of each class, in the order in which classes are tried.
    """

    classes: tuple[FailureClass, ...]
    patterns: tuple[tuple[Any, ...], ...]

    def classify(self, text: str) -> FailureClass | None:
        """Return the first class with a pattern that is found in the first 10 KB of `text`."""
        # A lone surrogate, as JSON may spell it, has no bytes to look at.
        looked_at = text[:TEXT_MAX].encode("utf-8", "replace").decode()
        for one, patterns in zip(self.classes, self.patterns, strict=True):
            if any(pattern.search(looked_at) for pattern in patterns):
                return one
        return None


def build_classifier(
    spec: Mapping[str, ClassSpec] | None = None, order: Sequence[str] | None = None
) -> PatternClassifier:
    """Return a classifier with the built-in classes and what `spec` adds to or says about them.

    Args:
        order: Names of classes that are tried first, in this order. Without it the team's own
            classes come first, then the built-in ones.

    Raises:
        PatternError: A pattern is no regular expression of RE2, or too long.
    """
    spec = spec or {}
    own = [name for name in spec if name not in BUILT_IN]
    tried = list(dict.fromkeys([*(order or ()), *own, *BUILT_IN]))
    specs = {name: spec.get(name, ClassSpec()) for name in tried}
    return PatternClassifier(
        tuple(
            FailureClass(name, one.severity, one.in_a_row, one.open_after)
            for name, one in specs.items()
        ),
        tuple(_patterns(name, one) for name, one in specs.items()),
    )


def _patterns(name: str, spec: ClassSpec) -> tuple[Any, ...]:
    texts = BUILT_IN.get(name, ()) if spec.patterns is None else spec.patterns
    if len(texts) > PATTERNS_MAX:
        raise PatternError(name, PATTERNS_MAX, f"more than {PATTERNS_MAX} patterns")
    return tuple(_compiled(name, index, text) for index, text in enumerate(texts))


def _compiled(name: str, index: int, text: str) -> Any:
    try:
        return compiled(text)
    except ValueError as error:
        raise PatternError(name, index, str(error)) from None


def compiled(text: str, *, is_case_sensitive: bool = False) -> Any:
    """Return a regular expression of RE2, ready to search.

    Raises:
        ValueError: It is none, or longer than 1,000 characters.
    """
    if not text or len(text) > PATTERN_MAX:
        raise ValueError(f"a pattern has 1 to {PATTERN_MAX} characters")
    options = re2.Options()
    options.case_sensitive = is_case_sensitive
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0]
        said = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise ValueError(said) from None
