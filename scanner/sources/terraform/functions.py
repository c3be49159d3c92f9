"""Terraform's functions that need nothing but their arguments.

A function takes the values of its arguments and returns a value; it raises :class:`Failed` where Terraform refuses,
and :class:`Undetermined` where the result cannot be known. developer.hashicorp.com/terraform/language/functions
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from scanner.sources.declared.values import Value
from scanner.sources.terraform.functions_collections import COLLECTIONS
from scanner.sources.terraform.functions_encoding import ENCODINGS
from scanner.sources.terraform.functions_numbers import NUMBERS
from scanner.sources.terraform.functions_objects import OBJECTS
from scanner.sources.terraform.functions_providers import PROVIDERS
from scanner.sources.terraform.functions_text import TEXTS

FUNCTIONS: Mapping[str, Callable[[list[Value]], Value]] = MappingProxyType(
    {**TEXTS, **COLLECTIONS, **OBJECTS, **ENCODINGS, **NUMBERS, **PROVIDERS}
)
