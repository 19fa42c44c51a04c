"""Wording: numbers with their 95 % intervals, and what an interval settles."""

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

SETTLED, REFUTED, UNDECIDED = "settled: holds", "settled: does not hold", "undecided"
"""What is said of a claim that one of two values is the lower one."""
FEWEST = 6
"""The fewest samples that settle anything: the range of n samples covers their median with 1 - 2 / 2**n."""
ENOUGH = 30
"""The fewest that settle a difference of shares or counts: a bootstrap of fewer says too little of the tails."""
_MINUS = "\N{MINUS SIGN}"


def number(value: float) -> str:
    """Format a number: integers as they are, others with one decimal, or with 3 digits below ten.

    >>> number(4577), number(277.52), number(1.052)
    ('4577', '277.5', '1.05')
    """
    if isinstance(value, int):
        return str(value)
    return f"{rounded(value, 1)}" if abs(value) >= 10 else f"{value:.3g}"


def ends(ci95: Sequence | None) -> str:
    """Format an interval to follow its number, or return "".

    >>> ends([260.0, 290.5]), ends(None)
    (' [260.0, 290.5]', '')
    """
    return f" [{number(ci95[0])}, {number(ci95[1])}]" if ci95 else ""


def rounded(value: float, digits: int) -> Decimal:
    """Return a number with so many decimals, halves away from zero; 67.25 in binary is taken as the decimal it means.

    >>> rounded(100 * 0.1135, 1), rounded(-1.45, 1), rounded(67.25, 1)
    (Decimal('11.4'), Decimal('-1.5'), Decimal('67.3'))
    """
    if not math.isfinite(value):
        return Decimal(value)
    return Decimal(repr(round(float(value), 9))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def fixed(value: float, digits: int = 0, sign: bool = False) -> str:
    """Format a number with so many decimals, a true minus and, if asked, a plus; zero has neither.

    >>> fixed(-17.4), fixed(31.2, sign=True), fixed(-0.04, 1)
    ('−17', '+31', '0.0')
    """
    text = f"{abs(rounded(value, digits)):f}"
    if not float(text):
        return text
    return (_MINUS if value < 0 else "+" if sign else "") + text


def span(ci95: Sequence | None, digits: int = 0, sign: bool = False, scale: float = 1) -> str:
    """Format the two ends of an interval, or say that there is none.

    >>> span((-17.2, 31), sign=True), span((0.12, 0.2), scale=100), span(None)
    ('[−17, +31]', '[12, 20]', '[no interval]')
    """
    if ci95 is None:
        return "[no interval]"
    return f"[{fixed(scale * ci95[0], digits, sign)}, {fixed(scale * ci95[1], digits, sign)}]"


def less(ci95: Sequence | None, value: float) -> list[float] | None:
    """Return an interval less a value, None for none.

    >>> less((0.25, 0.75), 0.5), less(None, 0.5)
    ([-0.25, 0.25], None)
    """
    return None if ci95 is None else [end - value for end in ci95]


def reach(values: Sequence[float], digits: int = 0) -> str:
    """Return the range of values as text, or the one that all are.

    >>> reach([187, 274.6, 200]), reach([12, 12])
    ('187 to 275', '12')
    """
    low, high = fixed(min(values), digits), fixed(max(values), digits)
    return low if low == high else f"{low} to {high}"


def decimals(values: Sequence[float], least: int = 0, level: float = 0, most: int = 6) -> int:
    """Return the fewest decimals, from `least` to `most`, with which no value but `level` itself reads as `level`.

    >>> decimals([-0.4, 31.0]), decimals([10.3, 12.0], level=10), decimals([0.0, 12.0])
    (1, 1, 0)
    """
    apart = [value for value in values if value != level]
    return next((count for count in range(least, most) if all(rounded(part, count) != level for part in apart)), most)


def digits(value: float, ci95: Sequence, scale: float = 1) -> int:
    """Return the decimals of a difference and its interval: two digits of the value, more until all signs show.

    >>> digits(-70.4, (-95.7, -50.2)), digits(1.5, (-15.4, 18)), digits(12, (0.02, 31))
    (0, 1, 2)
    """
    least, most = int(0 < abs(scale * value) < 9.95), 4 if settled(ci95) != UNDECIDED else 1
    return decimals([scale * part for part in (value, *ci95)], least, most=most)


def difference(value: float, ci95: Sequence | None, unit: str, scale: float = 1) -> str:
    """Format a difference with its unit and interval, so that their signs show; without one, say why.

    >>> difference(28.6, (12.8, 45.6), "m"), difference(-0.3, (-0.35, 0.019), "points", 100)
    ('+29 m [+13, +46]', '−30 points [−35, +2]')
    """
    if not ci95:
        return f"{fixed(scale * value, 1, sign=True)} {unit} (no interval: undecided)"
    count = digits(value, ci95, scale)
    return f"{fixed(scale * value, count, sign=True)} {unit} {span(ci95, count, sign=True, scale=scale)}"


def settled(ci95: Sequence | None, expected: str = "<", n: int = FEWEST, fewest: int = FEWEST) -> str:
    """Return what the interval of a difference (first minus second) says of the claim "first `expected` second".

    Undecided if there is no interval, or one that includes 0 or has no finite ends, or it is of fewer than `fewest`.

    >>> settled((-40, -3)), settled((3, 40)), settled((-17, 31)), settled((3, 40), ">")
    ('settled: holds', 'settled: does not hold', 'undecided', 'settled: holds')
    >>> settled((-40, -3), n=5)
    'undecided'
    """
    if not ci95 or n < fewest or not (ci95[0] > 0 or ci95[1] < 0):    # NaN is neither
        return UNDECIDED
    return SETTLED if (ci95[1] < 0) == (expected == "<") else REFUTED


def together(verdicts: Sequence[str]) -> str:
    """Return the verdict on a claim that holds only if all its parts do.

    One part that is settled not to hold refutes it; else one that is undecided leaves it open.

    >>> together([SETTLED, UNDECIDED]), together([UNDECIDED, REFUTED]), together([SETTLED])
    ('undecided', 'settled: does not hold', 'settled: holds')
    """
    return next((word for word in (REFUTED, UNDECIDED) if word in verdicts), SETTLED)


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence lists them.

    >>> listed(["Grid2"]), listed(["Grid2", "Grid5", "July"])
    ('Grid2', 'Grid2, Grid5 and July')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
