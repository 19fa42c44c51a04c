"""Findings: sentences computed from records, which notebooks answer with and figures bear as titles.

Each paper's `findings` has a module for each notebook: `answer` returns its answer, and a function for each figure
returns its `style.Told`, title and alternative text.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, fixed, span
from rsslib.project import InputError

SYNTHETIC = "These data are synthetic: the answer shows that the chain runs, and says nothing about the paper. "
BOOTSTRAP = "95 % intervals: two-level bootstrap, over blocks of time and networks"
SAMPLES = "95 % intervals: i.i.d. bootstrap over the samples"
TRAINED = 'measured = "data/quick/measurements.nc"` and `trained = "results/quick/trained"'
"""The parameters of a notebook that reads what trainings left, as code."""
Records = Sequence[Mapping]


class Text(str):
    """A text that notebooks show as Markdown."""

    def _repr_markdown_(self) -> str:
        return str(self)

    __repr__ = _repr_markdown_


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


def by_verdict(pairs: Iterable[Mapping], verdict: Callable[[Mapping], str]) -> dict[str, list[Mapping]]:
    """Return records by their verdict, {verdict: records}, in the sequence settled, refuted, undecided."""
    pairs = list(pairs)
    groups = {word: [pair for pair in pairs if verdict(pair) == word] for word in (SETTLED, REFUTED, UNDECIDED)}
    return {word: group for word, group in groups.items() if group}


def known(record: Mapping, field: str) -> bool:
    """Return whether a record has a number in this field: there may be no such sample."""
    return record.get(field) is not None and not np.isnan(record[field])


def usable(records: Collection, what: str) -> None:
    """Refuse records of which nothing can be told: there are none, or they say why they were not run. InputError."""
    reason = "there are none" if not records else next((record["not_run"] for record in records
                                                        if isinstance(record, Mapping) and "not_run" in record), None)
    if reason:
        raise InputError(f"{what}: no records to draw or to tell of, since {reason}")


def in_words(number: int) -> str:
    """Return a small number in words.

    >>> in_words(0), in_words(4), in_words(12)
    ('none', 'four', '12')
    """
    words = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[number] if number < len(words) else str(number)


def share(values: Iterable[float], digits: int = 0) -> str:
    """Return a share and the ends of its interval in percent.

    >>> share((0.5, 0.46, 0.541))
    '50 % [46, 54]'
    """
    value, *ends = values
    return f"{fixed(100 * value, digits)} % {span(ends, digits, scale=100)}"


def data_line(title: str | None, synthetic: bool | str, more: str = "", inputs: str = 'inputs = "data/quick"') -> Text:
    """Return the line that says which data a run used and, where they are made up, how to get the real ones.

    `inputs`: the parameters that name the real ones, as code; `more`: those that must be set beside them.
    """
    line = f"Data: {title or 'measurements without a title'}."
    if not synthetic:
        return Text(line)
    return Text(f"{line} **They are synthetic.** For the real ones run `make reproduce` once, then set "
                f"`{inputs}`{f' and `{more}`' if more else ''} above.")
