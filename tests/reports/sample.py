"""A report to write: three findings, gaps, a crashed rule; and the hostile texts that every writer must survive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reports.report import Exposure, Report, RunInfo, ToolInfo
from scanner.engine.finding import (
    Declared,
    Edit,
    Finding,
    Fix,
    Gap,
    Location,
    Related,
    RuleFault,
    RuleResult,
    Subject,
    Suppression,
    Unknown,
    fingerprint,
)
from scanner.engine.source_files import SourceFiles
from scanner.rule import Confidence, Effort, Severity

PROD = "/subscriptions/11111111-1111-1111-1111-111111111111"
SHOP = "/subscriptions/22222222-2222-2222-2222-222222222222"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"

HOSTILE: dict[str, str] = {
    "markup": "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>",
    "attribute": '" onmouseover="window.hacked=1" x=\'',
    "closing": "</script></style></title></textarea>--><svg onload=window.hacked=1>",
    "template": "{{ 7*7 }}{% raw %}{0} ${7*7} [click](https://evil.example) ]]>",
    "escape": "\x1b[31mred\x1b]0;title\x07\x9b2J",
    "lines": "first\nsecond\r\nthird\u2028fourth\u2029fifth\x0bsixth",
    "direction": "abc\u202egpj.exe\u2066\u200f\ufeff",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "null": "a\x00b",
    "surrogate": "half \ud800 pair",
    "long": "x" * 10_000,
    "traversal": "../../..//etc/./passwd",
    "markdown": "| a | *b* `c` <b> | # x\n# heading",
    "emoji": "👩‍👩‍👧 Ünïcödé 漢字 عربي",
    "empty": "",
}

OWNER_PAGE = """Owner or equivalent at subscription scope or wider.

## What it finds

A managed identity whose role lets it do everything, the role assignments among it, at a subscription or above.

## Why it matters

Whoever runs code on the host can take the token and own the whole subscription. That is more than any workload needs.

## How to fix it

Replace the assignment by the roles that the workload uses, on its own resource group. Then remove the wide one:

```sh
az role assignment delete --ids "$ASSIGNMENT_ID"
```
"""

ORPHAN_PAGE = """User-assigned identity that nothing uses.

What it finds
-------------

An identity attached to nothing that trusts no external issuer.

Why it matters
--------------

Nobody watches it. Whoever may attach it takes what it holds.

How to fix it
-------------

Delete the identity with `az identity delete --ids ID`.
"""

SUBJECT_PAGE = """Wildcard in a federated subject.

## What it finds

A federated credential that a wildcard opens to many workflows.

## Why it matters

Any branch can ask for the token.

## How to fix it

Name one environment: `repo:ORG/REPO:environment:production`.
"""


def rule(code: str, name: str, page: str, severity: Severity, **values: Any) -> RuleResult:
    defaults: dict[str, Any] = {"confidence": Confidence.HIGH, "effort": Effort.MEDIUM}
    return RuleResult(code=code, name=name, page=page, severity=severity, **(defaults | values))


RULES = (
    rule(
        "MI101",
        "orphaned-user-assigned-identity",
        ORPHAN_PAGE,
        Severity.MEDIUM,
        effort=Effort.LOW,
        controls=("mcsb:IM-3",),
        passed=37,
        failed=1,
        unknown=2,
    ),
    rule(
        "MI201",
        "owner-at-subscription-or-above",
        OWNER_PAGE,
        Severity.CRITICAL,
        controls=("mcsb:PA-7", "cis:1.23"),
        references=("https://learn.microsoft.com/azure/role-based-access-control/best-practices",),
        passed=40,
        failed=1,
    ),
    rule(
        "MI301",
        "wildcard-federated-subject",
        SUBJECT_PAGE,
        Severity.HIGH,
        confidence=Confidence.MEDIUM,
        passed=3,
        failed=1,
        not_applicable=38,
    ),
    rule("MI303", "issuer-outside-allow-list", SUBJECT_PAGE, Severity.MEDIUM, unknown=4),
)


def finding(
    code: str, name: str, severity: Severity, subject: Subject, message: str, **values: Any
) -> Finding:
    defaults: dict[str, Any] = {
        "confidence": Confidence.HIGH,
        "effort": Effort.MEDIUM,
        "subscription": "prod",
        "location": None,
        "evidence": {},
    }
    if "fingerprint" not in values:
        values["fingerprint"] = fingerprint(code, subject.id, ())
    return Finding(
        code=code, name=name, severity=severity, subject=subject, message=message, **(defaults | values)
    )


def identity(name: str, subscription: str = PROD) -> Subject:
    return Subject(
        f"{subscription}/resourceGroups/rg-App/providers/{IDENTITY}/{name}", IDENTITY.lower(), name
    )


OWNER = finding(
    "MI201",
    "owner-at-subscription-or-above",
    Severity.CRITICAL,
    identity("ci-deployer"),
    "ci-deployer holds Owner at subscription prod",
    evidence={
        "role": {
            "id": "/providers/Microsoft.Authorization/roleDefinitions/owner",
            "name": "Owner",
            "type": "role",
        },
        "scopes": [{"id": PROD, "name": "prod", "type": "subscription"}],
        "inherited": False,
        "assignments": 1,
    },
)
WILDCARD = finding(
    "MI301",
    "wildcard-federated-subject",
    Severity.HIGH,
    identity("release"),
    "release trusts repo:contoso/*",
    confidence=Confidence.MEDIUM,
    effort=Effort.LOW,
    location=Location("infra/main.tf", 12, 3, 18, 4),
    evidence={"subject": "repo:contoso/*", "condition": None},
)
ORPHAN = finding(
    "MI101",
    "orphaned-user-assigned-identity",
    Severity.MEDIUM,
    identity("old-batch", SHOP),
    "old-batch is attached to nothing",
    effort=Effort.LOW,
    subscription="shop",
    suppressed=Suppression("exception", "kept for the audit", "platform team", "2026-12-31"),
)

RUN = RunInfo(
    source="azure",
    target="subscriptions prod, shop",
    tenant="99999999-9999-9999-9999-999999999999",
    cloud="public",
    started=datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC),
    finished=datetime(2026, 3, 1, 10, 0, 42, tzinfo=UTC),
    facts_from=datetime(2026, 3, 1, 10, 0, 1, tzinfo=UTC),
    complete=False,
    requests=211,
    subjects={"subscriptions": 2, "identities": 42, "role assignments": 310},
)


def make_report(**values: Any) -> Report:
    """Return the sample report with the fields given replaced."""
    defaults: dict[str, Any] = {
        "tool": ToolInfo("Midas", "0.1.0"),
        "run": RUN,
        "rules": RULES,
        "findings": (OWNER, WILDCARD, ORPHAN),
        "unknown": (
            Unknown("MI101", identity("batch-a").id, "attachments were not read in subscription lab"),
            Unknown("MI101", identity("batch-b").id, "attachments were not read in subscription lab"),
            Unknown("MI303", PROD, "the rule crashed"),
        ),
        "gaps": (
            Gap("attachments", "/subscriptions/lab", "refused", "Reader is missing on the subscription"),
        ),
        "faults": (RuleFault("MI303", "ColumnNotFoundError: issuer"),),
        "notices": ("the exception for MI101 on old-job matched nothing",),
        "exposure": (
            Exposure("subscription", "full control", 1),
            Exposure("resource group", "write", 12),
            Exposure("resource", "read", 29),
        ),
        "privileges": ("full control", "grants access", "write", "data", "read"),
        "threshold": Severity.LOW,
    }
    return Report(**(defaults | values))


def clean_report() -> Report:
    """Return a report with one rule, which passed, and nothing unread."""
    import msgspec

    return make_report(
        run=msgspec.structs.replace(RUN, complete=True),
        rules=(rule("MI201", "owner-at-subscription-or-above", OWNER_PAGE, Severity.CRITICAL, passed=41),),
        findings=(),
        unknown=(),
        gaps=(),
        faults=(),
        notices=(),
        exposure=(),
        privileges=(),
    )


SECRET = "Ab3x" * 20 + "=="
"""Looks like a key of a storage account; made here, so that no file of ours holds one."""

MAIN_TF = f"""resource "azurerm_user_assigned_identity" "ci" {{
  name = "ci"
}}

resource "azurerm_role_assignment" "ci" {{
  scope                = data.azurerm_subscription.current.id
  role_definition_name = "Owner"
\tprincipal_id         = azurerm_user_assigned_identity.ci.principal_id
}}

resource "azurerm_linux_web_app" "app" {{
  app_settings = {{
    STORAGE = "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={SECRET}"
    PLACE   = "漢字 {{"
  }}
}}
"""
FILES = {"infra/main.tf": MAIN_TF.encode()}


def in_code(
    code: str, name: str, severity: Severity, location: Location, address: str, message: str, **values: Any
) -> Finding:
    """Return a finding whose subject Terraform declares at an address, and nothing deployed has an id for."""
    kind = "Microsoft.Authorization/roleAssignments"
    subject = Subject(f"/subscriptions/(infra)/resourceGroups/(none)/providers/{kind}/x", kind.lower(), "ci")
    declared = Declared(Location(location.uri, 5, 1, 5, 39), address, "terraform")
    return finding(
        code,
        name,
        severity,
        subject,
        message,
        location=location,
        declared=declared,
        subscription=None,
        **values,
    )


CODE_OWNER = in_code(
    "MI201",
    "owner-at-subscription-or-above",
    Severity.CRITICAL,
    Location("infra/main.tf", 7, 3, 7, 33),
    "azurerm_role_assignment.ci",
    "ci has full control of the subscription (Owner at subscription scope)",
    evidence={"holder": {"id": "/subscriptions/(infra)/x/ci", "name": "ci", "type": "x"}},
    related=(
        Related(Location("infra/main.tf", 1, 1, 1, 47), "holder ci"),
        Related(Location("main.tf", 4, 1, 4, 15), "called here"),
    ),
)
CODE_KEY = in_code(
    "MI601",
    "key-read-by-reference",
    Severity.MEDIUM,
    Location("infra/main.tf", 13, 5, 13, 13 + len(SECRET) + 60),
    "azurerm_linux_web_app.app",
    "the key of x is handed to the app setting STORAGE of app",
    fixes=(
        Fix("set shared_access_key_enabled to false", (Edit("infra/main.tf", 2, 14, 2, 14, "\n  x = 1"),)),
    ),
    fingerprint="6" * 32,
)
CODE_WIDE = in_code(
    "MI301",
    "wildcard-federated-subject",
    Severity.HIGH,
    Location("infra/main.tf", 14, 15, 14, 17),
    "azurerm_linux_web_app.app",
    "release trusts repo:contoso/*",
    fingerprint="3" * 32,
)
CODE_GONE = in_code(
    "MI101",
    "orphaned-user-assigned-identity",
    Severity.MEDIUM,
    Location("gone.tf", 1, 1, 1, 10),
    "azurerm_user_assigned_identity.old",
    "old is attached to nothing",
    fingerprint="1" * 32,
)


def code_report(**values: Any) -> Report:
    """Return a report about a repository with the fields given replaced."""
    import msgspec

    run = msgspec.structs.replace(
        RUN,
        source="repository",
        target="infra",
        tenant="",
        cloud="",
        requests=0,
        subjects={"managed identities": 2, "role assignments": 1},
    )
    defaults: dict[str, Any] = {
        "run": run,
        "findings": (CODE_OWNER, CODE_WIDE, CODE_GONE, CODE_KEY),
        "gaps": (Gap("places", "infra/broken.tf:12", "malformed", "The block is not closed."),),
        "faults": (),
        "notices": (),
        "sources": SourceFiles(FILES.get),
    }
    return make_report(**(defaults | values))


def hostile_report(text: str) -> Report:
    """Return the sample report with the text in every place that Azure, a user or an error fills."""
    import msgspec

    subject = Subject(f"{PROD}/resourceGroups/{text}", f"microsoft.app/{text}", text)
    bad = finding(
        "MI201",
        "owner-at-subscription-or-above",
        Severity.CRITICAL,
        subject,
        f"{text} holds {text}",
        subscription=text,
        fingerprint="f" * 32,
        evidence={
            "issuer": text,
            text: [text, {"id": text, "name": text, "type": text}],
            "tags": {text: text, "n": None},
        },
    )
    accepted = msgspec.structs.replace(
        bad,
        fingerprint="0" * 32,
        suppressed=Suppression(text, text, text, text),
        location=Location(text, 1, 1, 2, 1),
        declared=Declared(Location(text, 1, 1, 2, 1), text, text),
        related=(Related(Location(text, 1, 1, 2, 1), text),),
        fixes=(Fix(text, (Edit(text, 1, 1, 1, 1, text),), text),),
    )
    return make_report(
        run=msgspec.structs.replace(
            RUN, target=text, tenant=text, cloud=text, source=text, subjects={text or "things": 1}
        ),
        findings=(bad, accepted),
        unknown=(Unknown("MI101", text, text),),
        gaps=(Gap(text, text, text, text),),
        faults=(RuleFault("MI303", text),),
        notices=(text,),
        exposure=(Exposure("subscription", text, 3), Exposure("resource", "write", 2)),
        privileges=(text, "write"),
        sources=SourceFiles(lambda _: f"{text}\n{text}\n".encode("utf-8", "replace")),
    )


def hostile_code_report(text: str) -> Report:
    """Return a report about a repository with the text in names, paths and the code itself."""
    import msgspec

    report = hostile_report(text)
    return msgspec.structs.replace(
        report,
        run=msgspec.structs.replace(report.run, source="repository"),
        findings=tuple(msgspec.structs.replace(one, suppressed=None) for one in report.findings),
    )


def large_report(count: int) -> Report:
    """Return a report with this many findings on different identities, worst first."""
    names = [(result.code, result.name, result.severity) for result in RULES[:3]]
    names.sort(key=lambda item: item[2].rank)
    findings = []
    for severity_index, (code, name, severity) in enumerate(names):
        first, last = count * severity_index // 3, count * (severity_index + 1) // 3
        for number in range(first, last):
            subject = identity(f"app-{number:05}", PROD if number % 2 else SHOP)
            findings.append(
                finding(
                    code,
                    name,
                    severity,
                    subject,
                    f"{subject.name} holds Owner at subscription prod",
                    subscription="prod" if number % 2 else "shop",
                    evidence=OWNER.evidence,
                )
            )
    return make_report(findings=tuple(findings))
