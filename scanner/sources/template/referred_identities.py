"""Identities that a template refers to by an id alone: ARM's way to say what Bicep says with ``existing``."""

from __future__ import annotations

from scanner.sources.declared.values import Text, Value, show, text
from scanner.sources.template import resource_id
from scanner.sources.template.evaluation import MOST_DECLARATIONS, Evaluation
from scanner.sources.template.frames import Env, ResourceInstance
from scanner.sources.template.model import Call, ObjectLiteral, Resource
from scanner.sources.template.resources import index

_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
_NAMED = 2
"""Segments of an id that its own type and name take at its end."""


def looked_up_identity(ev: Evaluation, env: Env, node: Call, id_: Value) -> ResourceInstance | None:
    """Return the identity that an id names, taken into the unit as one that is only looked up.

    None for an id of anything else, and for one whose group or subscription is not told.
    """
    if not isinstance(id_, str | Text) or len(ev.declared) >= MOST_DECLARATIONS:
        return None
    if resource_id.type_of(id_).lower() != _IDENTITY.lower():
        return None
    parts = resource_id.segments(id_)
    home = parts[: -_NAMED - 2]
    if not home:
        return None
    prefix = text([piece for part in home[1:] for piece in ("/", part)])
    scope = env.frame.scope
    body = ObjectLiteral([], node.start, node.end)
    resource = Resource(
        "",
        _IDENTITY,
        "",
        True,
        body,
        None,
        node.start,
        node.end,
        node.start,
        node.end,
    )
    instance = ResourceInstance(
        resource,
        env.frame,
        env,
        body,
        ev.address(show(id_)),
        _IDENTITY,
        None,
        False,
        (parts[-1], scope.id if prefix == scope.prefix else prefix, id_),
    )
    ev.declared[instance.address] = instance
    index(ev, instance)
    return instance
