"""Kinds of receivers: the RSS range of each, and the kind that a name of the Utah receivers tells."""

from rsslib.arguments import shown
from rsslib.project import InputError

KINDS = ("cnode", "cbrs", "cell", "nuc", "bus")
"""The kinds of the Utah receivers; the network's input layer has a learned affine map for each, in this order."""

OTHER = "other"
"""Any other receiver. Its RSS range comes from the training data, as a shuttle's does, and so it shares their map."""

KIND_RANGE_DB = {"cnode": (-96.0, -35.0), "cbrs": (-100.0, 20.0), "cell": (-100.0, 20.0), "nuc": (-95.0, -4.0)}
_PREFIXES = {"cnode-": "cnode", "cbrssdr1-": "cbrs", "cellsdr1-": "cell", "bus-": "bus"}


def sensor_kind(name: str) -> str:
    """Return the kind (one of `KINDS`) of a Utah receiver by its name. Errors: InputError for an unknown kind.

    >>> sensor_kind("cbrssdr1-fm-comp"), sensor_kind("ebc-nuc1-b210")
    ('cbrs', 'nuc')
    """
    kind = _named(name) if isinstance(name, str) else None
    if kind is None:
        raise InputError(f"receiver {shown(name)}: unknown kind; expected a name like cnode-*, cbrssdr1-*, "
                         f"cellsdr1-*, *-nuc*-b210 or bus-*; for receivers of your own give the kind '{OTHER}'")
    return kind


def is_foreign(name: str, kind: str) -> bool:
    """Return whether a receiver's kind was chosen for it, rather than told by its name.

    >>> is_foreign("gateway-7", "nuc"), is_foreign("ebc-nuc1-b210", "nuc")
    (True, False)
    """
    return _named(name) != kind


def map_number(kind: str) -> int:
    """Return the number of the affine map of a kind.

    >>> map_number("nuc"), map_number("bus"), map_number("other")
    (3, 4, 4)
    """
    return KINDS.index("bus" if kind == OTHER else kind)


def _named(name: str) -> str | None:
    if "-nuc" in name and name.endswith("-b210"):
        return "nuc"
    return next((kind for prefix, kind in _PREFIXES.items() if name.startswith(prefix)), None)
