"""Terraform states that are given: which root module each is of, and what is said of a file that is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.sources.repository import states
from scanner.sources.repository.contents import DiskContents
from scanner.sources.repository.find import RepositoryError, find
from scanner.sources.repository.states import read_states
from scanner.sources.repository.units import sort_files
from tests.sources.repository.conftest import Work

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app"
KNOWN = {"azurerm_resource_group.app": GROUP}


def state() -> str:
    resource = {"type": "azurerm_resource_group", "name": "app", "instances": [{"attributes": {"id": GROUP}}]}
    return json.dumps({"version": 4, "resources": [resource]})


def read(work: Work, *given: tuple[str | None, Path]) -> dict[str, dict[str, str]]:
    found = find([work.root])
    by = sort_files(found, DiskContents(found.root, found.by_folder()))
    return read_states(found.root, by, given)


def test_a_state_is_of_its_folder_or_of_the_one_named(work: Work) -> None:
    work.write(
        {"infra/main.tf": "", "infra/terraform.tfstate.backup": state(), "main.tf": "", "pulled": state()}
    )
    assert read(work, (None, work.root / "infra/terraform.tfstate.backup")) == {"infra": KNOWN}
    for folder, where in (("./infra/", "infra"), ("infra", "infra"), (".", "."), ("", ".")):
        assert read(work, (folder, work.root / "pulled")) == {where: KNOWN}


def test_what_is_wrong_is_told_and_the_file_before_its_place(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    pointer = '{"version": 3, "backend": {"type": "azurerm", "config": {}}}'
    work.write({"infra/main.tf": "", "infra/.terraform/terraform.tfstate": pointer, "pulled": state()})
    pulled = work.root / "pulled"
    for given, said in (
        ([(None, work.root / "infra/.terraform/terraform.tfstate")], "only says where the state is kept"),
        ([(None, pulled)], r"there is no Terraform in \.: say which root module it is of"),
        ([("other", pulled)], "there is no Terraform in other: say which root module"),
        ([("infra", work.root / "none")], "none: no such file or directory"),
        ([("infra", work.root)], "is a directory"),
        ([("infra", pulled), ("./infra", pulled)], "another state is given for infra: a root module has one"),
    ):
        with pytest.raises(RepositoryError, match=said):
            read(work, *given)
    monkeypatch.setattr(states, "LARGEST_STATE", 10)
    with pytest.raises(RepositoryError, match="is larger than 0 MB: give the state of one root module"):
        read(work, ("infra", pulled))
