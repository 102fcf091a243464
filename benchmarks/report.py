"""Markdown: tables, and the marked blocks of a page that they are written into."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Aim", "Report", "aims", "publish", "table"]


@dataclass(frozen=True)
class Report:
    """What one benchmark has to say: for a page of docs/, and for README.md."""

    full: str
    short: str = ""
    page: str = "performance.md"


@dataclass(frozen=True)
class Aim:
    """A figure to reach, and the one measured."""

    what: str
    reach: str
    got: str
    met: bool


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table: the first column is words, the others are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def aims(reached: Sequence[Aim]) -> str:
    """Lay out what was to be reached beside what was."""
    rows = [[aim.what, aim.reach, aim.got, "yes" if aim.met else "**no**"] for aim in reached]
    return table(["to reach", "figure", "measured", "reached"], rows)


def publish(page: Path, block: str, text: str) -> None:
    """Replace what stands between ``<!-- block -->`` and ``<!-- /block -->`` on a page.

    Raises
    ------
    ValueError
        If the page lacks the two marks.
    """
    first, last = f"<!-- {block} -->", f"<!-- /{block} -->"
    old = page.read_text()
    if old.count(first) != 1 or old.count(last) != 1:
        raise ValueError(f"{page.name} needs one line {first} and one line {last} after it")
    before, after = old.split(first)[0], old.split(last)[1]
    page.write_text(f"{before}{first}\n\n{text.strip()}\n\n{last}{after}")
