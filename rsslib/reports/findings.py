"""Findings: sentences computed from records, which notebooks answer with and figures bear as titles.

Each paper's `findings` has a module for each notebook: `answer` returns its answer, and a function for each figure
returns its `style.Told`, title and alternative text.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rsslib.ledger.wording import SETTLED, UNDECIDED, fixed, settled, span

SYNTHETIC = "These data are synthetic: the answer shows that the chain runs, and says nothing about the paper. "


class Text(str):
    """A text that notebooks show as Markdown."""

    def _repr_markdown_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return str(self)


class Answer(NamedTuple):
    """An answer to a notebook's question: a word such as "yes", "no" or "undecided", and the sentences behind it."""

    word: str
    sentences: str

    def shown(self, synthetic: bool | str = False) -> Text:
        """Return the answer for a notebook to display, with a warning where the data are synthetic."""
        return Text(f"{SYNTHETIC if synthetic else ''}**Answer: {self.word}.** {self.sentences}")


def yes_or_no(verdict: str) -> str:
    """Return "yes", "no" or "undecided" for a verdict of `rsslib.ledger.wording`."""
    return {SETTLED: "yes", UNDECIDED: UNDECIDED}.get(verdict, "no")


def compared(first: str, second: str, difference: float, ci95: Sequence, unit: str, words: tuple[str, str],
             digits: int = 0, scale: float = 1) -> str:
    """Return how two values differ: `difference` is first minus second, `words` say lower and higher.

    >>> compared("EMD", "CoM", -7, (-31, 17), "m", ("ahead of", "behind"))
    'EMD is 7 m ahead of CoM [−31, +17]'
    """
    size = fixed(abs(scale * difference), digits)
    ends = span(ci95, digits, sign=True, scale=scale)
    return f"{first} is {size} {unit} {words[int(difference > 0)]} {second} {ends}".replace("  ", " ")


def by_verdict(pairs: Sequence[Mapping], field: str, expected: str = "<") -> dict[str, list[Mapping]]:
    """Return the records of paired differences by what the interval of `field` settles, {verdict: records}."""
    groups: dict[str, list[Mapping]] = {}
    for pair in pairs:
        groups.setdefault(settled(pair[f"ci95_{field}"], expected), []).append(pair)
    return groups


def data_line(title: str, synthetic: bool | str, inputs: str = "data/quick", more: str = "") -> Text:
    """Return the line that says which data a run used and, where they are made up, how to get the real ones.

    `more`: parameters that must be set beside `inputs`, as code.
    """
    if not synthetic:
        return Text(f"Data: {title}.")
    settings = f'`inputs = "{inputs}"`' + (f" and `{more}`" if more else "")
    return Text(f"Data: {title}. **They are synthetic.** For the real ones run `make reproduce` once, then set "
                f"{settings} above.")
