"""The plot of all printed values against ours."""

from collections.abc import Sequence
from pathlib import Path

from rsslib.ledger.verdicts import Verdict
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED
from rsslib.reports import style

_LOOKS = {SETTLED: ("#117733", "o", "as printed, or better"), REFUTED: ("#B3261E", "s", "differs"),
          UNDECIDED: ("#DDAA33", "^", "undecided"), "": ("#AEB7C2", "D", "not judged")}


@style.styled
def draw(verdicts: Sequence[Verdict], papers: Sequence[str]) -> style.Page:
    """Draw each value above 0 that a paper prints against ours, with its interval; a panel for each paper."""
    told = style.Told("Printed values, and ours", "Each printed value against ours, with its 95 % interval, on "
                      "logarithmic scales; on the diagonal the two agree. One panel for each paper.")
    fig = style.page(style.PAGE_IN, 3.6, "95 % intervals", told, False)
    for place, (ax, paper) in enumerate(zip(fig.subplots(1, 2), papers)):
        shown = [one for one in verdicts if one.claim.paper == paper and one.claim.kind == "value"
                 and one.value and one.value > 0 and one.claim.printed > 0]
        for settled, (colour, marker, words) in _LOOKS.items():
            chosen = [one for one in shown if one.settled == settled]
            ours = [one.value for one in chosen]
            ends = [[max(0.0, one.value - one.ci95[0]) if one.ci95 else 0.0 for one in chosen],    # type: ignore[operator]
                    [max(0.0, one.ci95[1] - one.value) if one.ci95 else 0.0 for one in chosen]]    # type: ignore[operator]
            ax.errorbar([one.claim.printed for one in chosen], ours, yerr=ends, ls="", marker=marker, ms=3,
                        color=colour, elinewidth=0.6, label=f"{words} ({len(chosen)})", alpha=0.85)
        edges = [float(edge) for one in shown for edge in (one.claim.printed, one.value) if edge]
        low, high = min(edges) / 1.5, max(edges) * 1.5
        ax.plot([low, high], [low, high], color=style.GREY, lw=0.8, zorder=0)
        ax.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), xlabel="printed", ylabel="ours",
               title=f"Paper {place + 1}, {len(shown)} values in their own units")
        ax.legend(loc="upper left", fontsize=6)
    return fig


def save(verdicts: Sequence[Verdict], papers: Sequence[str], path: Path) -> None:
    """Write the plot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    style.save(draw(verdicts, papers), path)
