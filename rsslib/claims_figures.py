"""Which figures belong in RESULTS.md: those of a place in a paper, and those that go beyond the papers."""

from rsslib.project import ROOT

BEYOND = (
    ("risk_coverage", "Paper 1: the error that is left where the least sure samples are refused",
     "03_confidence_indicators"),
    ("emitters_counts", "Paper 2: right counts, by the true number of emitters", "06_multi_emitter_cnns"),
    ("emitters_effects", "Paper 2: right counts, by what the weakest emitter changes at all", "06_multi_emitter_cnns"),
    ("emitters_sweep", "Paper 2: how many sensors it takes", "06_multi_emitter_cnns"),
    ("emitters_transfer", "Paper 2: trained in one city, tested in the other", "06_multi_emitter_cnns"),
    ("emitters_ray_traced", "Paper 2: the same networks on a ray-traced city", "08_ray_traced_city"),
    ("two_transmitters", "Both papers: two transmitters in real measurements", "07_two_transmitters"),
)
"""Figures that no printed claim is about: stem of the file, what it shows, notebook."""
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4}


def of_place(place: str, profile: str) -> list[str]:
    """Return the figures of a place, as paths from RESULTS.md: of "Figure 7", "Table II", "Emitters Table I".

    Example
    -------
    >>> of_place("Section II.B", "quick")
    []
    """
    second, place = place.startswith("Emitters "), place.removeprefix("Emitters ")
    kind, _, number = place.partition(" ")
    number = str(_ROMAN.get(number, number))
    stems = {"Figure": f"fig{number}_" if second else f"fig{number:0>2}_", "Table": f"table{number}"}
    if kind not in stems:
        return []
    pattern = f"{'emitters_' if second else ''}{stems[kind]}*.png"
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "figures" / profile).glob(pattern))


def beyond(profile: str) -> list[str]:
    """Return the lines of a profile's section "Beyond the papers"; none where it has no such figure."""
    lines = []
    for stem, said, notebook in BEYOND:
        path = f"figures/{profile}/{stem}.png"
        if (ROOT / path).is_file():
            lines += [f"\n{said} ([{notebook}](notebooks/{notebook}.ipynb)).\n",
                      f"![{said}, profile {profile}]({path})"]
    return ["\n### Beyond the papers", *lines] if lines else []

