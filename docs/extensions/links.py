"""Links that lead somewhere else on this site than where they are read first.

A page links to ``../tests/support/exact_results.py`` so that a reader on GitHub gets there. The
site is published without the repository: there such a link becomes the name of the file. And a
docstring names what it speaks of as its own file imports it; here that is documented as the package
gives it out.
"""

import re
from typing import Any

from docutils import nodes

import dasknorm

__all__ = ["setup", "without_files"]

FILE = re.compile(r"\[([^\]]+)\]\(\.\./(?!docs/)[^)]*\)")


def without_files(text: str) -> str:
    """Replace each link to a file outside of ``docs/`` by its words."""
    return FILE.sub(r"\1", text)


def _read(app: Any, name: str, source: list[str]) -> None:
    source[0] = without_files(source[0])


def _as_given_out(app: Any, env: Any, node: Any, shown: nodes.Node) -> nodes.Node | None:
    """Resolve a name that is one of the package's, wherever it was written."""
    name = node.get("reftarget", "")
    if node.get("refdomain") != "py" or name.split(".")[0] not in dasknorm.__all__:
        return None
    domain, here = env.get_domain("py"), node["refdoc"]
    return domain.resolve_xref(env, here, app.builder, "obj", f"dasknorm.{name}", node, shown)


def setup(app: Any) -> dict[str, bool]:
    """Have every page read, and every name looked up, so."""
    app.connect("source-read", _read)
    app.connect("missing-reference", _as_given_out)
    return {"parallel_read_safe": True}
