"""Evidence in words."""

import msgspec
import pytest

from reports.evidence import Evidence, evidence_of, pattern_meaning
from tests.reports.sample import OWNER


@pytest.mark.parametrize(
    ("pattern", "meaning"),
    [
        ("*", "every operation of every provider"),
        ("*/*", "every operation of every provider"),
        ("*/write", "every write operation of every provider"),
        ("*/READ", "every read of every provider"),
        ("*/delete", "every deletion of every provider"),
        ("*/action", "every other operation of every provider"),
        ("Microsoft.Authorization/*", "every operation of this provider"),
        ("Microsoft.Authorization/*/write", "every write operation of this provider"),
        ("Microsoft.Storage/storageAccounts/*", "every operation of this type and below"),
        ("Microsoft.Storage/storageAccounts/*/read", "every read of this type and below"),
        ("Microsoft.Authorization/roleAssignments/write", ""),
        ("Microsoft.*/roleAssignments/write", ""),
        ("Microsoft.Auth*/*", ""),
        ("*/roleAssignments/*", ""),
        ("*/listKeys/action", ""),
        ("", ""),
    ],
)
def test_a_pattern_says_in_words_what_it_allows(pattern: str, meaning: str) -> None:
    assert pattern_meaning(pattern) == meaning


def test_a_power_says_in_words_what_it_lets_its_holder_do() -> None:
    finding = msgspec.structs.replace(OWNER, evidence={"power": "run_code"})
    meaning = "can run code or deployments that act as another identity"
    assert list(evidence_of(finding)) == [Evidence("lets the holder", "run code", meaning, ())]


def test_columns_have_labels_that_a_reader_would_use() -> None:
    entity = {"id": "/subscriptions/1", "name": "prod", "type": "microsoft.resources/subscriptions"}
    evidence = {
        "group": None,
        "pattern": "*/write",
        "power": "read credentials",
        "home_subscription": entity,
        "conditioned": False,
        "shown": [],
    }
    assert list(evidence_of(msgspec.structs.replace(OWNER, evidence=evidence))) == [
        Evidence("held through", "no group: directly", "", ()),
        Evidence(
            "allowed by",
            "*/write",
            "every write operation of every provider, short of what the role excludes",
            (),
        ),
        Evidence("lets the holder", "read credentials", "", ()),
        Evidence("home subscription", "prod", "", ("/subscriptions/1",)),
        Evidence("conditioned", "no", "", ()),
        Evidence("shown", "none", "", ()),
    ]
    through = msgspec.structs.replace(OWNER, evidence={"group": entity})
    assert [(one.label, one.value) for one in evidence_of(through)] == [("held through", "prod")]
