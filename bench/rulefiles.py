"""Rule files as teams write them, of any length."""

import re

_RULES_A_FILE = 1000

_HEAD = """\
version: 1
defaults: {{ team: ops, every: {every}, severity: warning, open_after: 1 check, recover_after: 1 check }}
people:
  ana: {{ email: ana@example.com, slack: U01ANA }}
  raj: {{ email: raj@example.com, slack: U02RAJ }}
teams:
  ops:
    {{ lead: ana, slack: ops-alerts, oncall: {{ rotate: weekly, handover: mon 10:00, order: [ana, raj] }} }}
routes:
  - {{ when: {{ severity: critical }}, send: [slack, email] }}
sources:
"""

_SQL = """\
  jobs-{number}:
    title: Jobs of queue {number} fail
    sql:
      source: jobs
      query: select count(*) as n from job where queue = 'q{number}' and status = 'failed'
      value: n
      max: 5
"""

_ENDPOINT = """\
  endpoint-{number}:
    title: Endpoint {number} does not answer
    http: {{ source: web-{number}, url: /health }}
"""

STUCK = """\
  jobs-stuck:
    title: Jobs of {{ entity.queue }} hang
    severity: critical
    impact: Orders of this queue wait, and their customers with them.
    do_first: Restart the worker of the queue.
    runbook: https://wiki.example.com/jobs
    stuck:
      source: jobs
      table: public.job
      column: status
      is: running
      since: started_at
      max_age: 30m
      entity: [queue]
"""

_MIXED = (
    _SQL,
    """\
  tickets-{number}:
    title: Tickets of {number} stopped updating
    impact: Agents see old tickets.
    stale:
      source: jobs
      table: public.tickets_{number}
      column: updated_at
      max_age: 30m
""",
    """\
  runs-{number}:
    title: Runs of {{{{ entity.connector_id }}}} fail
    severity: warning
    failures:
      source: jobs
      table: public.runs
      entity: [connector_id]
      column: status
      failed: [failed, error]
      succeeded: [success]
      order_by: finished_at
      error: error_message
      where: team = 't{number}'
      in_a_row: 3
""",
    """\
  hangs-{number}:
    title: Job {number} hangs
    do_first: Look at the worker's log.
    stuck:
      source: jobs
      table: public.job
      column: status
      is: running
      since: started_at
      max_age: 20m
      where: queue = 'q{number}'
""",
    """\
  health-{number}:
    title: Endpoint {number} does not answer
    http:
      source: web
      url: /health/{number}
      expect: {{ status: 200, within: 2s }}
""",
)


def sql_rules(count: int, dsn: str, every: str = "1m") -> str:
    """Return a file of `count` SQL rules, no two with the same statement."""
    rules = "".join(_SQL.format(number=number) for number in range(count))
    source = f"  jobs: {{ postgres: '{dsn}', team: ops, timeout: 30s }}\n"
    return f"{_HEAD.format(every=every)}{source}rules:\n{rules}"


def stuck_rule(dsn: str) -> str:
    """Return a file of one rule over all queues."""
    return f"{_HEAD.format(every='1m')}  jobs: {{ postgres: '{dsn}', team: ops }}\nrules:\n{STUCK}"


def apart(text: str) -> str:
    """Return a file whose incidents are never a storm."""
    return f"storms: off\n{text}"


def endpoint_rules(addresses: list[str]) -> str:
    """Return a file of one rule and one source for each address."""
    sources = "".join(
        f"  web-{number}: {{ http: '{address}', team: ops }}\n"
        for number, address in enumerate(addresses)
    )
    rules = "".join(_ENDPOINT.format(number=number) for number in range(len(addresses)))
    return f"{_HEAD.format(every='1m')}{sources}rules:\n{rules}"


def mixed_rules(count: int) -> str:
    """Return a file of `count` rules of the usual kinds, as a large team has them."""
    sources = (
        "  jobs: { postgres: 'postgresql://reader@db.example.com/jobs', team: ops }\n"
        "  web: { http: 'https://web.example.com', team: ops }\n"
    )
    rules = "".join(_MIXED[number % len(_MIXED)].format(number=number) for number in range(count))
    return f"{_HEAD.format(every='1m')}{sources}rules:\n{rules}"


def parted(text: str) -> dict[str, str]:
    """Return a long file as several: a file holds 1 MiB at most. The first is `rules.yaml`."""
    head, _, rules = text.partition("rules:\n")
    each = re.split(r"(?m)^(?=  \S)", rules)
    parts = {
        f"part-{start}.yaml": "rules:\n" + "".join(each[start : start + _RULES_A_FILE])
        for start in range(0, len(each), _RULES_A_FILE)
    }
    return {"rules.yaml": f"{head}include: [{', '.join(parts)}]\n", **parts}
