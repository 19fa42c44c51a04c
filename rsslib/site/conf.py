"""Sphinx settings of the site; copied to build/site."""

import re

project = "rsslib"
author = "The rsslib contributors"
exclude_patterns = ["doctrees"]
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx.ext.mathjax", "sphinx_design"]
nb_execution_mode = "off"    # the chain is the only executor
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header", "myst.xref_missing", "mystnb.unknown_mime_type", "docutils", "autodoc",
                     "misc.highlighting_failure", "toc.not_included", "myst.strikethrough"]
default_role = "code"
viewcode_follow_imported_members = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
add_module_names = False
html_theme = "pydata_sphinx_theme"
html_title = "rsslib: two papers on locating radio transmitters"
html_static_path = ["_static"]
html_css_files, html_js_files = ["site.css"], ["scroll.js"]
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "light"}
html_theme_options = {"logo": {"text": "rsslib"}, "show_prev_next": False, "secondary_sidebar_items": {
    "**": ["page-toc"], "ledger": [], "explorer": [], "scoreboard": []}, "header_links_before_dropdown": 8,
    "navigation_with_keys": False, "back_to_top_button": False}
html_sidebars: dict[str, list[str]] = {name: [] for name in (
    "index", "paper1", "paper2", "own", "ledger", "explorer", "scoreboard", "results", "docs/*")}
mathjax_path = "mathjax/tex-svg.js"


def _escaped(app, what, name, obj, options, lines) -> None:
    """Keep |x| and x_ in a docstring, and roles that only others know, from being read as markup."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = line.split("`")    # every other one stands between backticks
            parts[::2] = [re.sub(r":[a-z]+:$|(?<=\w)(_)(?=\W|$)|(\|)",
                                 lambda found: "".join(rf"\{mark}" for mark in found.groups() if mark), part)
                          for part in parts[::2]]
            lines[number] = "`".join(parts)


def setup(app) -> None:
    """Connect the hook."""
    app.connect("autodoc-process-docstring", _escaped)
