"""``commands``: a directive that shows what ``--help`` prints of the command line, each command."""

from typing import Any

import click
from docutils import nodes
from docutils.parsers.rst import Directive

from dasknorm.cli import main

__all__ = ["Commands", "setup"]


class Commands(Directive):
    """A section for each command, with its help as it is printed."""

    def run(self) -> list[nodes.Node]:
        context = click.Context(main, info_name="dasknorm", max_content_width=78, terminal_width=78)
        return [_shown(name, main.commands[name], context) for name in sorted(main.commands)]


def _shown(name: str, command: click.Command, parent: click.Context) -> nodes.section:
    context = click.Context(
        command, info_name=name, parent=parent, max_content_width=78, terminal_width=78
    )
    title = f"dasknorm {name}"
    section = nodes.section(ids=[nodes.make_id(title)], names=[title])
    text = command.get_help(context)
    section += [nodes.title(text=title), nodes.literal_block(text, text, language="none")]
    return section


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
