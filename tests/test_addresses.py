"""Every public name and signature is listed in ``data/addresses.txt``, and stays as listed.

Write the file anew after a change that is meant, from the root of the project, and look at the
difference::

    python tests/test_addresses.py

Addresses are those users import: the package, its front ends, and the command line.
"""

import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.optional import needs

import dasknorm

ADDRESSES = Path(__file__).parent / "data" / "addresses.txt"
PROJECT = Path(__file__).parent.parent / "pyproject.toml"
FRONT_ENDS = [f"dasknorm.{name}" for name in ("accessors", "layer", "sklearn", "testing")]
MODULES = ("dasknorm", *FRONT_ENDS)


def addresses() -> str:
    """Return all addresses, sorted, one a line: signatures, values, options, entry points."""
    lines = {line for name in MODULES for line in _module(name)}
    lines |= set(_commands()) | set(_entry_points())
    return "".join(f"{line}\n" for line in sorted(lines))


def _module(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    for public in module.__all__:
        yield from _thing(f"{name}.{public}", getattr(module, public))


def _thing(address: str, value: Any) -> Iterator[str]:
    if not callable(value):
        yield f"{address}: {type(value).__name__}"
        return
    if inspect.isclass(value) and issubclass(value, Exception):
        bases = [base.__name__ for base in value.__mro__[1:] if issubclass(base, Exception)]
        yield f"{address} is a {' and a '.join(bases)}"
        return
    yield f"{address}{_signature(value)}"
    if inspect.isclass(value):
        for name, member in inspect.getmembers(value):
            if not name.startswith("_") and _is_from_package(value, name):
                yield _member(f"{address}.{name}", inspect.getattr_static(value, name), member)


def _member(address: str, static: Any, member: Any) -> str:
    if isinstance(static, classmethod | staticmethod):
        return f"{address}{_signature(member)} {type(static).__name__}"
    if callable(member):
        return f"{address}{_signature(member)}"
    kind = "attribute" if not hasattr(static, "__get__") else "property"
    return f"{address}: {kind}"


def _is_from_package(owner: type, name: str) -> bool:
    """Tell whether a member is dasknorm's own, and not of scikit-learn's base classes."""
    holder = next((base for base in owner.__mro__ if name in vars(base)), owner)
    makers = (holder.__module__, type(inspect.getattr_static(owner, name)).__module__)
    return makers[0].startswith("dasknorm") and not makers[1].startswith("sklearn")


def _signature(value: Any) -> str:
    """Return parameters, kinds and defaults, without annotations, which name internal modules."""
    signature = inspect.signature(value)
    parameters = [item.replace(annotation=item.empty) for item in signature.parameters.values()]
    bare = signature.replace(parameters=parameters, return_annotation=signature.empty)
    return re.sub(r"<[\w.]+ object at 0x\w+>|<factory>", "...", str(bare))


def _commands() -> Iterator[str]:
    from dasknorm.cli import main

    groups: list[tuple[str, Any]] = [("$ dasknorm", main)]
    for name, command in groups:
        yield name
        groups += [(f"{name} {item}", c) for item, c in getattr(command, "commands", {}).items()]
        for parameter in command.params:
            yield f"{name} {_parameter(parameter)}"


def _parameter(parameter: Any) -> str:
    words = "/".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "argument":
        words = parameter.name.upper()
    details = [
        f"type={parameter.type.name}",
        f"choices={list(parameter.type.choices)}" if hasattr(parameter.type, "choices") else "",
        f"count={parameter.nargs}" if parameter.nargs != 1 else "",
        "multiple" if getattr(parameter, "multiple", False) else "",
        "required" if parameter.required else "",
        f"default={parameter.default}" if type(parameter.default) in (int, float, str) else "",
    ]
    return " ".join([words, *filter(None, details)])


def _entry_points() -> Iterator[str]:
    project = tomllib.loads(PROJECT.read_text())["project"]
    for group, points in {"scripts": project["scripts"], **project["entry-points"]}.items():
        for name, value in points.items():
            yield f"entry point in {group}: {name} = {value}"


@needs("sklearn", "click", "pyarrow")
def test_addresses() -> None:
    """No public name, signature, command or option has changed unnoticed."""
    assert dasknorm.__all__ == sorted(dasknorm.__all__)
    assert addresses().splitlines() == ADDRESSES.read_text().splitlines()


def main() -> None:
    """Write the list anew."""
    ADDRESSES.write_text(addresses())


if __name__ == "__main__":
    main()
