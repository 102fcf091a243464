"""Draw the layers of the package from its imports, and list its modules in design.md.

Run ``python docs/structure.py`` after moving a module; a test compares both with the code. An arrow
is an import that no chain of other arrows implies, so the picture shows the order and no more.
"""

import ast
from collections.abc import Mapping
from html import escape
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "dasknorm"
PICTURE = Path(__file__).parent / "structure.svg"
DESIGN = Path(__file__).parent / "design.md"
WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 138, 46, 22, 44, 16

HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" \
width="{width}" font-family="sans-serif">
<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" \
orient="auto"><path d="M0 0 8 4 0 8z" fill="#667"/></marker>
<rect width="{width}" height="{height}" fill="#fff"/>"""

Imports = Mapping[str, set[str]]
"""The names of the folders and modules at the top of the package, each with those it imports."""


def is_folder(name: str) -> bool:
    """Return whether a name at the top of the package is a folder of modules."""
    return (PACKAGE / name / "__init__.py").is_file()


def is_module(name: str) -> bool:
    """Return whether a name at the top of the package is a module."""
    return (PACKAGE / f"{name}.py").is_file()


def read_imports() -> dict[str, set[str]]:
    """Return which top-level folders and modules each of them imports."""
    imports: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if name == "__init__":
            continue
        targets = imports.setdefault(name, set())
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dasknorm"):
                parts = [(f"{node.module}.{alias.name}").split(".")[1] for alias in node.names]
                targets |= {part for part in parts if is_folder(part) or is_module(part)}
        targets.discard(name)
    return imports


def assign_layers(imports: Imports) -> list[list[str]]:
    """Return the names by layer, from the top down: each is imported by higher layers only."""
    layers: list[list[str]] = []
    remaining = set(imports)
    while remaining:
        imported = set().union(*(imports[name] for name in remaining))
        layer = sorted(remaining - imported)
        if not layer:
            raise ValueError(f"imports in a circle: {sorted(remaining)}")
        layers.append(layer)
        remaining -= set(layer)
    return layers


def find_direct(imports: Imports) -> list[tuple[str, str]]:
    """Return the imports that no chain of other imports implies."""

    def reachable(name: str) -> set[str]:
        return imports[name].union(*(reachable(target) for target in imports[name]))

    return [
        (name, target)
        for name, targets in sorted(imports.items())
        for target in sorted(targets)
        if not any(target in reachable(other) for other in targets - {target})
    ]


def draw(imports: Imports) -> str:
    """Return the picture as SVG."""
    layers = assign_layers(imports)
    widest = max(map(len, layers))
    width = 2 * MARGIN + widest * WIDTH + (widest - 1) * GAP_X
    height = 2 * MARGIN + len(layers) * HEIGHT + (len(layers) - 1) * GAP_Y
    corner: dict[str, tuple[float, float]] = {}
    for row, layer in enumerate(layers):
        left = (width - len(layer) * WIDTH - (len(layer) - 1) * GAP_X) / 2
        for column, name in enumerate(layer):
            corner[name] = (left + column * (WIDTH + GAP_X), MARGIN + row * (HEIGHT + GAP_Y))
    parts = [_line(*corner[name], *corner[target]) for name, target in find_direct(imports)]
    parts += [_box(name, *position) for name, position in corner.items()]
    return "\n".join([HEAD.format(width=width, height=height), *parts, "</svg>\n"])


def _line(x: float, y: float, target_x: float, target_y: float) -> str:
    start, end = (x + WIDTH / 2, y + HEIGHT), (target_x + WIDTH / 2, target_y)
    return (
        f'<path d="M{start[0]:g} {start[1]:g}C{start[0]:g} {start[1] + GAP_Y / 2:g} '
        f'{end[0]:g} {end[1] - GAP_Y / 2:g} {end[0]:g} {end[1]:g}" fill="none" stroke="#667" '
        'stroke-width="1.3" marker-end="url(#tip)"/>'
    )


def _box(name: str, x: float, y: float) -> str:
    count = len(list((PACKAGE / name).rglob("*.py"))) if is_folder(name) else 1
    label = f"{name}/" if is_folder(name) else f"{name}.py"
    note = f"{count} file{'s' if count > 1 else ''}"
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#eef3fa" '
        'stroke="#456"/>'
        f'<text x="{x + WIDTH / 2:g}" y="{y + 20:g}" text-anchor="middle" font-size="15" '
        f'font-weight="600" fill="#123">{escape(label)}</text>'
        f'<text x="{x + WIDTH / 2:g}" y="{y + 37:g}" text-anchor="middle" font-size="11" '
        f'fill="#456">{note}</text>'
    )


def list_modules(imports: Imports) -> str:
    """Return a Markdown table with a row per folder, from the top layer down."""
    rows = ["| folder | what it does | modules |", "|---|---|---|"]
    for layer in assign_layers(imports):
        rows += [_row(name) for name in layer]
    return "\n".join(rows)


def _row(name: str) -> str:
    folder = PACKAGE / name
    if not is_folder(name):
        return f"| `{name}.py` | {_summary(folder.with_suffix('.py'))} | |"
    paths = sorted(path for path in folder.rglob("*.py") if not path.name.startswith("__"))
    modules = [path.relative_to(folder).with_suffix("").as_posix() for path in paths]
    shown = ", ".join(f"`{module}`" for module in modules)
    return f"| `{name}/` | {_summary(folder / '__init__.py')} | {shown} |"


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return docstring.partition("\n\n")[0].replace("\n", " ").replace("|", "\\|").rstrip(".")


def with_table(text: str, table: str) -> str:
    """Return the text of design.md with this table between its markers."""
    start, end = "<!-- modules -->\n", "<!-- /modules -->"
    return text[: text.index(start) + len(start)] + table + "\n" + text[text.index(end) :]


if __name__ == "__main__":
    imports = read_imports()
    PICTURE.write_text(draw(imports))
    DESIGN.write_text(with_table(DESIGN.read_text(), list_modules(imports)))
