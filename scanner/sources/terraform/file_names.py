"""What names Terraform's files have, and those of OpenTofu, which reads ``.tofu`` files too.

Where a folder has both ``main.tf`` and ``main.tofu``, OpenTofu reads only the second; so too of their JSON.
So a module serves both programs. https://opentofu.org/docs/language/files/override
"""

from __future__ import annotations

from collections.abc import Iterable

CONFIGURATION = (".tf", ".tofu", ".tf.json", ".tofu.json")
"""How the names of files end that declare something."""
VALUES = (".tfvars", ".tfvars.json")
"""How the names of files end that give values to variables."""
TERRAFORM = CONFIGURATION + VALUES

_OF_OPENTOFU = ((".tofu", ".tf"), (".tofu.json", ".tf.json"))


def is_configuration(name: str) -> bool:
    """Whether a file of that name declares what belongs to its folder's module."""
    return name.endswith(CONFIGURATION) and not name.startswith((".", "#"))


def of_module(names: Iterable[str]) -> list[str]:
    """Return those of a folder's files that make its module, in their order: not what a ``.tofu`` file replaces."""
    mine = [name for name in names if is_configuration(name)]
    replaced = {
        name.removesuffix(ending) + instead_of
        for name in mine
        for ending, instead_of in _OF_OPENTOFU
        if name.endswith(ending)
    }
    return [name for name in mine if name not in replaced] if replaced else mine


def overrides(name: str) -> bool:
    """Whether a file changes what the others of its folder declare."""
    stem = name.removesuffix(".json").removesuffix(".tf").removesuffix(".tofu")
    return stem == "override" or stem.endswith("_override")
