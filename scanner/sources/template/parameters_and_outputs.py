"""What a template is given and what it gives, as declarations: secret parameters with a text in them, and outputs."""

from __future__ import annotations

from scanner.sources.declared.declaration import Declaration, Place
from scanner.sources.declared.values import KeyRead, Object, Property, Unknown, Value, leaves
from scanner.sources.template.evaluation import Evaluation
from scanner.sources.template.frames import Frame, Standing, settled
from scanner.sources.template.model import Constant, Expression
from scanner.sources.template.names import unplaced
from scanner.sources.template.operators import truth


def given_secrets(ev: Evaluation) -> list[Declaration]:
    """Declare every secret parameter that is given a literal: in a parameter file, or where a module is called."""
    made: list[Declaration] = []
    seen: set[Place] = set()
    for frame in ev.frames:
        for parameter in frame.template.parameters.values():
            given = frame.arguments.get(parameter.name.lower()) if parameter.secure else None
            if not isinstance(given, tuple):
                continue
            expression, env = given
            place = Place(env.frame.template.uri, expression.start, expression.end)
            if place in seen or env.frame.standing is not None:
                continue
            if frame.parent is not None and not isinstance(expression, Constant):
                continue  # where it comes from is where it stands
            value = ev.plain(expression, env)
            if not _is_written(value):
                continue
            seen.add(place)
            held = Property(settled(ev.bounded(value, env.frame, parameter)), place.start, place.end)
            body = {"value": held, "secure": Property(True), "given": Property(True)}
            address = ev.address(f"{frame.prefix}param.{parameter.name}")
            made.append(_pseudo(env.frame, "parameter", address, body, place))
    return made


def _is_written(value: Value) -> bool:
    return value is not None and value != "" and not isinstance(value, Unknown) and value != Object({})


def defaults(ev: Evaluation) -> list[Declaration]:
    """Declare every secret parameter that has a literal default: a secret in the code."""
    made: list[Declaration] = []
    seen: set[tuple[Place, str]] = set()
    for frame in ev.frames:
        template, standing = frame.template, frame.standing
        for parameter in template.parameters.values():
            place = standing.place if standing else Place(template.uri, parameter.start, parameter.end)
            if not parameter.secure or parameter.default is None or (place, parameter.name) in seen:
                continue
            seen.add((place, parameter.name))
            value = ev.plain(parameter.default, frame.base)
            if not _is_written(value):
                continue
            held = _property(frame, settled(ev.bounded(value, frame, parameter)), parameter.default)
            body = {"value": held, "secure": Property(True)}
            address = ev.address(f"{frame.prefix}param.{parameter.name}")
            made.append(_pseudo(frame, "parameter", address, body, place))
    return made


def outputs_of(ev: Evaluation, root: Frame) -> list[Declaration]:
    """Declare the outputs of the unit, and those of modules that hand on a secret: Azure keeps these just as long."""
    made: list[Declaration] = []
    for frame in list(ev.frames):
        for output in frame.template.outputs.values():
            if ev.exhausted:
                return made
            if frame is not root and output.secure:
                continue
            condition = (
                truth(ev.plain(output.condition, frame.base)) if output.condition is not None else True
            )
            if condition is False:
                continue
            value = settled(ev.bounded(ev.plain(output.value, frame.base), frame, output))
            if frame is not root and not _hands_on_a_secret(value):
                continue
            body = {"value": _property(frame, value, output.value), "secure": Property(output.secure)}
            place = Place(frame.template.uri, output.start, output.end)
            address = ev.address(f"{frame.prefix}output.{output.name}")
            declared = _pseudo(frame, "output", address, body, place)
            declared.conditional = condition is None
            made.append(declared)
    return made


def _hands_on_a_secret(value: Value) -> bool:
    return any(
        isinstance(leaf, KeyRead) or (isinstance(leaf, Unknown) and leaf.secret) for _, leaf in leaves(value)
    )


def _property(frame: Frame, value: Value, written: Expression) -> Property:
    if frame.standing is not None:
        return Property(unplaced(value))
    return Property(value, written.start, written.end)


def _pseudo(frame: Frame, type_: str, address: str, body: dict[str, Property], place: Place) -> Declaration:
    standing = frame.standing or Standing(place, place, frame.template.language)
    return Declaration(
        address=address,
        type=type_,
        name=address.rsplit(".", 1)[-1].partition("#")[0],
        parent=None,
        body=Object(body),
        language=standing.language,
        place=standing.place,
        whole=standing.whole,
        calls=frame.calls,
    )
