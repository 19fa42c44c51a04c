"""Markdown: tables."""

from collections.abc import Sequence


def table(columns: Sequence[str], rows: Sequence[Sequence]) -> str:
    r"""Return a table; a cell's line breaks become spaces, and its vertical bars are escaped.

    >>> print(table(["loss", "m"], [["a | b", 1]]))
    | loss | m |
    | --- | --- |
    | a \| b | 1 |
    """
    lines = [[" ".join(str(value).replace("|", "\\|").split()) for value in line]
             for line in (columns, ["---"] * len(columns), *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
