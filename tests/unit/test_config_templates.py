"""Templates: what a set of values makes of a body, and what is refused of either."""

import pytest

from tests.config_files import GOOD, codes, config_of, read
from watchdog.config.model import Config
from watchdog.config.templates import RULES_MAX

QUEUE = "queue: { source: crm, table: t, max_rows: 1 }"
NAMED = 'name: "{{ each.x }}"'


def template(body: str) -> str:
    return f"{GOOD}templates:\n  t: {body}\n"


def made(body: str) -> Config:
    return config_of(template(body))


@pytest.mark.parametrize(
    ("body", "code", "message", "label"),
    [
        ("[a]", "wrong-type", "the template `t` must be a mapping", ""),
        (
            "{ name: x }",
            "missing-key",
            "`t` needs `for_each`",
            "write a list of values: `for_each: [{ x: a }, { x: b }]`",
        ),
        (
            "{ for_each: [{ x: a }] }",
            "missing-key",
            "`t` needs `name`",
            'write `name: "{{ each.x }}-stale"`, from which each rule gets its name',
        ),
        (
            "{ name: [a], for_each: [{ x: a }] }",
            "wrong-type",
            "`name` must be a text",
            'write `name: "{{ each.x }}-stale"`, from which each rule gets its name',
        ),
        (
            "{ name: x, for_each: a }",
            "wrong-type",
            "`for_each` must be a list",
            "write a list of values: `for_each: [{ x: a }, { x: b }]`",
        ),
        (
            "{ name: x, for_each: [] }",
            "wrong-type",
            "`for_each` must be a list",
            "write a list of values: `for_each: [{ x: a }, { x: b }]`",
        ),
        (
            "{ name: x, for_each: [a] }",
            "wrong-type",
            "each set of values is a mapping of single values",
            "write it like `{ x: a, y: b }`",
        ),
        (
            f"{{ {NAMED}, for_each: [{{ x: [a] }}] }}",
            "wrong-type",
            "each set of values is a mapping of single values",
            "write it like `{ x: a, y: b }`",
        ),
        (
            f"{{ {NAMED}, for_each: [{{ x: a, z: 1 }}], {QUEUE} }}",
            "unknown-value",
            "no text of the template asks for `each.z`",
            "",
        ),
        (
            f"{{ {NAMED}, for_each: [{{ x: a b }}], {QUEUE} }}",
            "bad-name",
            "`a b` is not a name",
            "a name is made of letters, digits, `-`, `_` and `.`",
        ),
        (
            f"{{ {NAMED}, for_each: [{{ x: orders-stale }}], {QUEUE} }}",
            "duplicate-name",
            "rule `orders-stale` is declared twice",
            "",
        ),
        (
            f"{{ {NAMED}, for_each: [{{ x: a }}, {{ x: a }}], {QUEUE} }}",
            "duplicate-name",
            "rule `a` is declared twice",
            "",
        ),
        (
            f'{{ {NAMED}, for_each: [{{ x: a }}], labels: {{ k: "{{{{ each.xx }}}}" }}, {QUEUE} }}',
            "unknown-value",
            "`each.xx` is in no set of values",
            "",
        ),
    ],
)
def test_a_wrong_template_is_refused(body: str, code: str, message: str, label: str) -> None:
    (problem,) = read(template(body)).problems
    assert (problem.code, problem.message, problem.label) == (code, message, label)


def test_a_misspelt_value_is_asked_for_by_its_near_name() -> None:
    body = f'{{ {NAMED}, for_each: [{{ x: a, shop: b }}], impact: "{{{{ each.shp }}}}", {QUEUE} }}'
    problem = next(one for one in read(template(body)).problems if "each.shp" in one.message)
    assert problem.label == "did you mean `shop`?"
    assert problem.notes == ("known: x, shop",)


def test_a_set_of_values_that_lacks_one_is_told() -> None:
    loaded = read(template(f"{{ {NAMED}, for_each: [{{ x: a }}, {{ y: b }}], {QUEUE} }}"))
    assert set(codes(loaded)) == {"unknown-value"}


def test_a_template_makes_only_so_many_rules() -> None:
    values = ", ".join(f"{{ x: r{number} }}" for number in range(RULES_MAX + 1))
    loaded = read(template(f"{{ {NAMED}, for_each: [{values}], {QUEUE} }}"))
    assert "too-large" in codes(loaded)
    assert loaded.rules == 1


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("a", "a"),
        ("'a'", "a"),
        ("no", "no"),
        ("007", "007"),
        ("'{{ each.x }}'", "{{ each.x }}"),
    ],
)
def test_a_value_stands_as_it_was_written(given: str, written: str) -> None:
    body = f'{{ {NAMED}, for_each: [{{ x: a, y: {given} }}], impact: "{{{{each.y}}}}", {QUEUE} }}'
    assert made(body).rules["a"].impact == written


@pytest.mark.parametrize(("given", "code"), [("3", None), ("'3'", "bad-count"), ("x", "bad-count")])
def test_a_whole_value_keeps_its_type(given: str, code: str | None) -> None:
    body = (
        f"{{ {NAMED}, for_each: [{{ x: a, n: {given} }}], "
        'queue: { source: crm, table: t, max_rows: "{{ each.n }}" } }'
    )
    assert codes(read(template(body))) == ([code] if code else [])


def test_a_part_of_a_value_is_text() -> None:
    body = (
        f"{{ {NAMED}, for_each: [{{ x: a, n: 3 }}], every: '{{{{ each.n }}}}m', "
        f"open_after: '{{{{ each.n }}}} checks', {QUEUE} }}"
    )
    rule = made(body).rules["a"]
    assert (rule.every.total_seconds(), rule.policy.open_after) == (180, 3)


def test_values_stand_in_names_of_keys_below_the_rule() -> None:
    body = (
        f'{{ {NAMED}, for_each: [{{ x: a }}], labels: {{ "is-{{{{ each.x }}}}": yes }}, {QUEUE} }}'
    )
    assert made(body).rules["a"].labels == {"is-a": "yes"}


def test_keys_that_become_the_same_are_told() -> None:
    body = (
        f"{{ {NAMED}, for_each: [{{ x: a }}], "
        f'labels: {{ "{{{{ each.x }}}}": one, a: two }}, {QUEUE} }}'
    )
    (problem,) = read(template(body)).problems
    assert (problem.code, problem.message) == ("duplicate-key", "`a` stands here twice")


def test_a_made_rule_is_found_where_its_values_stand() -> None:
    text = template(f"\n    {NAMED}\n    {QUEUE}\n    for_each:\n      - x: a\n      - x: b")
    rules = config_of(text).rules
    assert rules["b"].place.line == rules["a"].place.line + 1
    assert text.split("\n")[rules["a"].place.line - 1].strip() == "- x: a"


def test_made_rules_come_after_the_written_ones_in_order() -> None:
    rules = made(f"{{ {NAMED}, for_each: [{{ x: b }}, {{ x: a }}], {QUEUE} }}").rules
    assert list(rules) == ["orders-stale", "b", "a"]


def test_a_free_key_of_a_set_of_values_need_not_be_asked_for() -> None:
    body = f"{{ {NAMED}, for_each: [{{ x: a, x-why: because }}], {QUEUE} }}"
    assert list(made(body).rules) == ["orders-stale", "a"]


@pytest.mark.parametrize("count", [1, 2])
def test_values_of_the_environment_stay_hidden_in_made_rules(count: int) -> None:
    values = ", ".join(["{ x: '${CRM_DSN}' }"] * count)
    loaded = read(template(f"{{ {NAMED}, for_each: [{values}], {QUEUE} }}"), partial=True)
    assert codes(loaded) == ["bad-name", "duplicate-name"][:count]
    assert "secret" not in repr(loaded.problems)
    assert loaded.config is not None
    assert "secret" not in repr(loaded.config.broken)
    assert [one.name for one in loaded.config.broken] == ["${CRM_DSN}"]
