"""What each rule finds in Contoso, the tenant of the demo: exactly this, and nothing about what is in order there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from scanner.emulator import Emulator, load_tenant
from scanner.engine.describe import Entities, findings
from scanner.engine.evaluate import Judgement, judge
from scanner.engine.finding import Finding
from scanner.engine.registry import load_rules
from scanner.facts.store import FactStore
from scanner.question import question
from scanner.rule import Stage
from scanner.sources.azure.collect import collect
from scanner.sources.azure.progress import SilentProgress
from scanner.sources.azure.request import AuthSettings, CollectRequest, ScanScope

BUILD_AGENT = "416bd501-ac1c-54be-bd56-f96f04eb3063"
"""The object id of the deleted principal, of which nothing else is left."""

# A role assignment is called "ROLE for PRINCIPAL", and is told apart by the name of its scope.
FOUND = (
    ("MI101", "id-promo-2023"),
    ("MI102", "id-import-old"),
    ("MI103", "func-newsletter"),
    ("MI104", f"Contributor for {BUILD_AGENT} on rg-shop-web"),
    ("MI105", "id-shop-shared"),
    ("MI106", "id-monitor-agent"),
    ("MI107", "ca-coupons"),
    ("MI108", "aks-legacy"),
    ("MI109", "billing@contoso.example on Contoso Data Production"),
    ("MI201", "Contoso Editor for aa-edit on Contoso Platform"),
    ("MI201", "Contoso Platform Operator for aa-operate on Contoso Platform"),
    ("MI201", "Contoso Restore Operator for aa-restore on Contoso Platform"),
    ("MI201", "Owner for id-github-platform on Contoso Platform"),
    ("MI202", "Contoso Builder for aa-build on Contoso Platform"),
    ("MI202", "Contributor for id-deploy-data on Contoso Data Production"),
    ("MI202", "Contributor for terraform-legacy on Contoso Shop Production"),
    ("MI203", "Contoso Access Desk for aa-access on Contoso Platform"),
    ("MI203", "Contoso Inviter for aa-invite on Contoso Platform"),
    ("MI203", "Owner for id-azure-devops on rg-registry"),
    ("MI203", "User Access Administrator for id-onboarding on Contoso Shop Production"),
    ("MI204", "Log Analytics Contributor for deploy-diagnostics on Landing zones"),
    ("MI205", "Contoso Data Steward for aa-data on Contoso Platform"),
    ("MI205", "Log Analytics Contributor for deploy-diagnostics on Landing zones"),
    ("MI205", "Storage Blob Data Owner for id-data-loader on Contoso Data Production"),
    ("MI206", "Contoso Builder"),
    ("MI206", "Contoso Data Steward"),
    ("MI206", "Contoso Editor"),
    ("MI206", "Contoso Platform Operator"),
    ("MI206", "Contoso Restore Operator"),
    ("MI207", "Contoso Access Desk"),
    ("MI207", "Contoso Editor"),
    ("MI207", "Contoso Inviter"),
    ("MI207", "Contoso Platform Operator"),
    ("MI207", "Contoso Restore Operator"),
    ("MI208", "Storage Blob Data Reader for id-shop-web on stcontososhop"),
    ("MI209", "Disk Snapshot Contributor for id-backup on rg-data-report"),
    ("MI209", "Disk Snapshot Contributor for id-backup on rg-shop-legacy"),
    ("MI209", "Log Analytics Reader for log-readers on log-contoso"),
    ("MI209", "Role Based Access Control Administrator for id-vending on rg-shop-web"),
    ("MI209", "Storage Account Backup Contributor for id-backup on stcontosolake"),
    ("MI209", "Storage Account Backup Contributor for id-backup on stcontososhop"),
    ("MI209", "User Access Administrator for id-onboarding on Contoso Shop Production"),
    ("MI210", "id-backup"),
    ("MI301", "flexible"),
    ("MI302", "pull-requests"),
    ("MI303", "partner"),
    ("MI304", "payments-default"),
    ("MI305", "service-connection"),
    # Each writes where `id-github-platform` (Owner) or `id-onboarding` (of another subscription) lies.
    ("MI401", "Contoso Access Desk for aa-access on Contoso Platform"),
    ("MI401", "Contoso Builder for aa-build on Contoso Platform"),
    ("MI401", "Contoso Editor for aa-edit on Contoso Platform"),
    ("MI401", "Contoso Inviter for aa-invite on Contoso Platform"),
    ("MI401", "Contoso Platform Operator for aa-operate on Contoso Platform"),
    ("MI401", "Contoso Restore Operator for aa-restore on Contoso Platform"),
    ("MI401", "Owner for id-github-platform on Contoso Platform"),
)

# What looks like a violation, or is the right way to do the same thing. Contoso has one classic administrator only.
IN_ORDER = {
    "MI101": ("id-shop-web", "id-github-shop", "id-factory-cmk", "id-ingress", "id-import-old"),
    "MI102": ("id-github-shop", "id-promo-2023", "id-factory-cmk", "id-batch-pool"),
    "MI103": ("ca-orders", "app-shop-front", "aks-platform"),
    "MI104": ("Contributor for terraform-legacy", "Website Contributor for shop-operators"),
    "MI105": ("id-shop-orders", "id-monitor-agent"),
    "MI106": ("id-shop-web", "id-shop-shared"),
    "MI107": ("vm-stock-legacy", "app-shop-front", "ca-orders"),
    "MI108": ("aks-platform",),
    "MI109": (),
    "MI201": ("Owner for id-azure-devops", "Contoso Builder for aa-build", "Contributor for id-deploy-data"),
    "MI202": ("Contributor for id-github-shop", "Owner for id-github-platform"),
    "MI203": ("Role Based Access Control Administrator for id-vending", "Contoso Editor for aa-edit"),
    "MI204": ("Reader for id-midas", "Owner for id-github-platform"),
    "MI205": ("Storage Blob Data Contributor for id-batch-pool", "Contoso Auditor for aa-audit"),
    "MI206": ("Contoso Machine Starter", "Contoso Auditor", "Contoso Access Desk", "Contoso Inviter"),
    "MI207": ("Contoso Auditor", "Contoso Data Steward", "Contoso Builder", "Contoso Machine Starter"),
    "MI208": ("Key Vault Secrets User for id-shop-web", "Website Contributor for id-github-shop"),
    "MI209": (
        "AcrPull for id-shop-web",
        "Reader for id-reporting",
        "Azure Service Bus Data Sender for id-shop-orders",
        "Log Analytics Contributor for deploy-diagnostics",
    ),
    "MI210": ("id-vending", "id-shop-web"),
    "MI301": ("any-repository", "main"),
    "MI302": ("main", "release"),
    "MI303": ("main", "checkout", "service-connection"),
    "MI304": ("checkout", "main"),
    "MI305": ("main", "partner"),
    "MI401": (
        "Contributor for terraform-legacy",
        "Contributor for id-deploy-data",
        "Contributor for id-github-shop",
        "Website Contributor for id-github-shop",
        "User Access Administrator for id-onboarding",
    ),
}


@dataclass(frozen=True)
class Scan:
    store: FactStore
    judgement: Judgement
    found: tuple[Finding, ...]


@pytest.fixture(scope="module")
def contoso(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    rules = load_rules()
    asked = question(rules)
    request = CollectRequest(
        scope=ScanScope(),
        work=tmp_path_factory.mktemp("contoso") / "work",
        tables=asked.tables,
        settings=asked.settings,
        auth=AuthSettings(method="managed-identity"),
    )
    with Emulator(load_tenant("contoso")) as azure, pytest.MonkeyPatch.context() as environment:
        for name, value in azure.environment().items():
            environment.setenv(name, value)
        store = collect(request, progress=SilentProgress())
    judgement = judge(store, rules)
    everybody = store.frame("entities").select("entity").collect().to_series()
    return Scan(store, judgement, findings(judgement, Entities(store, everybody)))


def called(finding: Finding) -> str:
    place = finding.evidence.get("scope")
    return f"{finding.subject.name} on {place['name']}" if place else finding.subject.name


def difference(found: Iterable[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    found, wanted = sorted(found), sorted(FOUND)
    return {
        "missing": [pair for pair in wanted if pair not in found],
        "too many": [pair for pair in found if pair not in wanted or found.count(pair) > 1],
    }


def test_exactly_this_is_found(contoso: Scan) -> None:
    pairs = [(finding.code, called(finding)) for finding in contoso.found]
    assert difference(pairs) == {"missing": [], "too many": []}


def test_every_rule_has_its_line_in_both_tables() -> None:
    codes = {rule.meta.id for rule in load_rules() if rule.meta.runs_on(Stage.DEPLOYED)}
    assert {code for code, _ in FOUND} == codes
    assert set(IN_ORDER) == codes
    assert [code for code, names in IN_ORDER.items() if not names] == ["MI109"]


def test_nothing_is_left_unknown(contoso: Scan) -> None:
    assert contoso.store.gaps() == []
    assert contoso.judgement.faults == ()
    assert [one.rule.meta.id for one in contoso.judgement.judged if one.undecided] == []


@pytest.mark.parametrize("code", IN_ORDER)
def test_what_is_in_order_is_looked_at_and_not_found(contoso: Scan, code: str) -> None:
    (one,) = (one for one in contoso.judgement.judged if one.rule.meta.id == code)
    key = one.rule.meta.subject_key
    subjects = contoso.store.frame(one.rule.meta.subject).select(key).collect().to_series()
    entities = Entities(contoso.store, subjects)
    looked_at = {entities.subject(subject).name for subject in subjects}
    assert set(IN_ORDER[code]) <= looked_at
    assert not set(IN_ORDER[code]) & {
        finding.subject.name for finding in contoso.found if finding.code == code
    }
