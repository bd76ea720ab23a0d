"""What can break in workspace_issues: issues of many repositories."""

from watchdog.demo.failure import Expected, Failure

_ERROR = "HTTP 502 Bad Gateway from the code host"

FAILURES = (
    Failure(
        "W2", "Seven repositories fail for good", "crm",
        opens=(Expected("workspace_issues-repositories-failing", "critical", "transient"),),
        breaks=(("fail_repositories", 7, _ERROR),), mends=(("mend_repositories",),),
    ),
    Failure(
        "W2a", "Exactly five repositories fail for good", "crm",
        breaks=(("fail_repositories", 5, _ERROR),), mends=(("mend_repositories",),),
    ),
)  # fmt: skip
