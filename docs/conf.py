"""The site: what Sphinx is told. ``make docs`` builds it, and runs the tutorial and the gallery."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for extensions/

import dasknorm

project = "dasknorm"
author = "the dasknorm developers"
copyright = "the dasknorm developers, BSD-3-Clause"
version = release = dasknorm.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "extensions.commands",
    "extensions.links",
]
exclude_patterns = ["_build", "extensions", "templates"]
templates_path = ["templates"]
default_role = "autolink"  # a name in single backticks is a link where there is such a thing

html_theme = "pydata_sphinx_theme"
html_title = "dasknorm"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": False,
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {page: [] for page in ("index", "tutorial/era5", "cli", "design", "changes")}

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings name types in the words of the field
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

sphinx_gallery_conf = {
    "examples_dirs": ["../examples/tutorial", "../examples/gallery"],
    "gallery_dirs": ["tutorial", "gallery"],
    "filename_pattern": r"\.py$",  # all of them run
    "within_subsection_order": "extensions.pictures.by_story",
    "reset_modules": ("matplotlib", "extensions.pictures.afresh"),
    "reset_modules_order": "both",
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "write_computation_times": False,
    "remove_config_comments": True,
}
