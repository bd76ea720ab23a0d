"""Just enough of SQL's lexis to know what is code and what is text inside quotes or comments."""

import re
from collections.abc import Iterator
from enum import StrEnum

from rules.values import dataclass


class Lexeme(StrEnum):
    """What a stretch of SQL is."""

    SPACE = "space"
    COMMENT = "comment"
    LITERAL = "literal"
    QUOTED = "quoted identifier"
    PLACEHOLDER = "placeholder"
    PARAMETER = "parameter"
    WORD = "word"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True)
class Token:
    """A stretch of SQL.

    Attributes:
        at: Offset of its first character in the statement.
        closed: False for a literal, comment, quoted identifier or placeholder without its end.
    """

    lexeme: Lexeme
    text: str
    at: int
    closed: bool = True

    @property
    def end(self) -> int:
        """Return the offset behind its last character."""
        return self.at + len(self.text)


_START = re.compile(
    r"""
      (?P<space>\s++)
    | (?P<comment>--[^\n]*+|/\*)
    | (?P<literal>[eE]'(?:[^'\\]|\\.|'')*+(?P<escape_end>')?
        | '(?:[^']|'')*+(?P<plain_end>')?
        | (?P<dollar>\$(?:[^\W\d]\w*+)?\$))
    | (?P<quoted>"(?:[^"]|"")*+(?P<quoted_end>")?)
    | (?P<placeholder>\{\{(?:[^}]|\}(?!\}))*+(?P<placeholder_end>\}\})?)
    | (?P<parameter>\$\d++)
    | (?P<word>[\w$]++)
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_LEXEMES = {lexeme.name.lower(): lexeme for lexeme in Lexeme}
_ENDS = {
    Lexeme.LITERAL: ("escape_end", "plain_end"),
    Lexeme.QUOTED: ("quoted_end",),
    Lexeme.PLACEHOLDER: ("placeholder_end",),
}
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens of `sql` in order; together they are the whole text.

    Block comments nest and `$tag$` quotes, as PostgreSQL has it. SQLite reads a nested comment
    differently, which is harmless here: what is taken for a comment is refused, never replaced.
    """
    at = 0
    while at < len(sql):
        match = _START.match(sql, at)
        assert match is not None, "the last alternative takes any character"
        token = _token(sql, match)
        yield token
        at = token.end


def _token(sql: str, match: re.Match[str]) -> Token:
    at, text = match.start(), match.group()
    lexeme = _LEXEMES[match.lastgroup or ""]
    if text == "/*":
        end = _comment_end(sql, match.end())
        return Token(lexeme, sql[at : end or len(sql)], at, closed=end is not None)
    if match.group("dollar"):
        close = sql.find(text, match.end())
        end = len(sql) if close < 0 else close + len(text)
        return Token(lexeme, sql[at:end], at, closed=close >= 0)
    return Token(lexeme, text, at, closed=_is_closed(lexeme, match))


def _comment_end(sql: str, at: int) -> int | None:
    depth = 1
    for edge in _COMMENT_EDGE.finditer(sql, at):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return None


def _is_closed(lexeme: Lexeme, match: re.Match[str]) -> bool:
    ends = _ENDS.get(lexeme)
    return ends is None or any(match.group(end) is not None for end in ends)
