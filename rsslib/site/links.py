"""Links: what points to a file of the project points to its page on the site, or to nothing."""

import posixpath
import re
from collections.abc import Collection, Iterable

_LINK = re.compile(r"(?<!!)\[((?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
_IMAGE = re.compile(r"!\[((?:[^\[\]\\]|\\.)*)\]\(([^()\s]+)\)")
PAGES = {"README.md": "index.md", "RESULTS.md": "results.md", "LEDGER.md": "ledger.md"}
"""Files of the project's root that are pages of the site under another name."""


def target(path: str) -> str:
    """Return where a file of the project, its path from the root, lies on the site's sources.

    >>> target("docs/executed/full/02_loss_comparison.ipynb"), target("LEDGER.md"), target("results/full/fig07.json")
    ('notebooks/full/02_loss_comparison.ipynb', 'ledger.md', 'records/full/fig07.json')
    """
    for folder, new in (("docs/executed/", "notebooks/"), ("results/", "records/")):
        if path.startswith(folder):
            return new + path.removeprefix(folder)
    return PAGES.get(path, path)


def rewritten(text: str, folders: Iterable[str], page: str, there: Collection[str]) -> str:
    """Return Markdown whose links fit the site.

    Input: folders that the text may lie in, in the project, the first in which a link leads to something counts; page,
    where it lies on the site; there, the files of the site's sources. A link to what is not there becomes its text; the
    name of a file of Markdown, as a text, loses its folder and ending.

    >>> rewritten("[a](../RESULTS.md#x), [b](../params.yaml)", ["docs"], "docs/data.md", {"results.md"})
    '[a](../results.md#x), b'
    >>> rewritten("[docs/your_csv.md](docs/your_csv.md)", ["."], "index.md", {"docs/your_csv.md"})
    '[Your csv](docs/your_csv.md)'
    """
    def place(given: str) -> str | None:
        path, _, anchor = given.partition("#")
        leads = (target(posixpath.normpath(posixpath.join(folder, path))) for folder in folders)
        found = next((one for one in leads if one in there), None)
        return posixpath.relpath(found, posixpath.dirname(page) or ".") + (f"#{anchor}" if anchor else "") if (
            found) else None

    def link(match: re.Match) -> str:
        words, given = match.groups()
        if re.match(r"[a-z]+:|#", given):
            return match[0]
        if not (found := place(given)):
            return words
        if words.endswith(".md"):
            words = posixpath.basename(words).removesuffix(".md").replace("_", " ").capitalize()
        return f"[{words}]({found})"

    def image(match: re.Match) -> str:
        words, given = match.groups()
        return f"![{words}]({place(given) or given})"
    return _LINK.sub(link, _IMAGE.sub(image, text))
