"""Pages of the site that are made from records: the front page, a page for each paper, our own method, the ledger."""

import html
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from rsslib.ledger import claims, headlines, matrices, page, pictures
from rsslib.ledger.brief import aside, brief
from rsslib.ledger.markdown import table
from rsslib.ledger.pictures import Picture
from rsslib.ledger.quantities import Records, files
from rsslib.ledger.verdicts import NOT_JUDGED, NOT_RUN, Verdict, best, judge
from rsslib.ledger.wording import number
from rsslib.localization import kept_images
from rsslib.project import InputError

_CAPTIONS = {"maps_receiver": "A map, its uncertainty, and where a sample is put",
             "own_town_map": "A made-up town: where its transmitters are put",
             "own_town_faults": "A made-up town: what a receiver that drifts, moves or lies does",
             "fits": "Error out of distribution against error in distribution, along the training"}
"""Of figures that the ledger does not name."""
_HEADS = ("paper", "passage", "claim", "printed", "ours", "verdict", "profile", "made by")


def text(name: str) -> str:
    """Return a text that pages share with no record, from texts/."""
    return (Path(__file__).parent / "texts" / f"{name}.md").read_text(encoding="utf-8")


class Evidence:
    """What the pages tell: verdicts, headlines and figures of the profiles with real measurements in a folder."""

    def __init__(self, root: Path):
        self.root, path = root, root / "claims.yaml"
        self.judged = {profile: judge(claims.load(path), profile, root / "results") for profile in claims.REAL
                       if any((root / "results" / profile).glob("*.json"))}
        if not self.judged:
            raise InputError(f"{root}: no records in results/ to show; run `make figures` first")
        self.best = best(self.judged)
        self.headlines = headlines.judge(headlines.load(path), self.best, root / "results")
        self.pictures: dict[str, Picture] = {}
        for profile in self.judged:
            self.pictures |= {Path(one.path).name: one for one in pictures.of(profile, root)
                              if Path(one.path).name not in self.pictures}
        self.papers = list(dict.fromkeys(one.claim.paper for one in self.best))

    @property
    def further(self) -> list[Picture]:
        """The figures that belong to a paper, but to no table or figure of it."""
        return [one for name, one in self.pictures.items() if one.passage == pictures.BEYOND
                and not name.startswith(("maps_", "own_", "two_transmitters"))]

    def shown(self, one: Picture) -> list[str]:
        """Return a figure with what it found, what it shows in numbers, folded, and what made it."""
        path = Path(one.path)
        known = next((entry for entry in page.BEYOND if entry.stem and path.stem.startswith(entry.stem)), None)
        made = self.executed(f"{known.notebook}.ipynb", path.parent.name) if known else ""
        words = known.caption.partition(": ")[2] if known else _CAPTIONS.get(path.stem, path.stem.replace("_", " "))
        return [f"### {words[0].upper()}{words[1:]}\n", f"{one.title}.\n",
                f"{one.shown}\n", f":::{{dropdown}} What it shows, in words and numbers\n{one.alt}\n:::\n",
                f"Made by [notebook {known.notebook[:2]}]({made}).\n" if known and made else ""]

    def executed(self, notebook: str, profile: str) -> str:
        """Return the path of a notebook as it was executed for a profile, or for another one, or ""."""
        paths = [f"docs/executed/{name}/{Path(notebook).name}" for name in dict.fromkeys((profile, *self.judged))]
        return next((path for path in paths if (self.root / path).is_file()), "")

    def commit(self, record: str, profile: str) -> str:
        """Return the commit that a record was made at, seven digits, or ""."""
        records = Records(profile, self.root / "results")
        stamp = f"{record}.stamp"
        return str(records.read(stamp).get("commit") or "")[:7] if records.has(stamp) else ""


def front(evidence: Evidence) -> str:
    """Return the front page: what was claimed, what is settled, all values in one plot, our method in one picture."""
    words = {"settled: holds": 0, "settled: does not hold": 0}
    for one in evidence.headlines:
        if one.verdict in words:
            words[one.verdict] += 1
    holds, fails = words.values()
    maps = next((one for name, one in evidence.pictures.items() if name == "maps_receiver.png"), None)
    beyond = next((one for name, one in evidence.pictures.items() if name == "maps_medians.png"), None)
    parts = ["# Two papers on locating radio transmitters, re-run and checked\n",
             "Sensors across a town hear a radio signal. Where does it come from, how many transmitters are there, and "
             "can the answer be trusted? Each claim of two papers stands here beside our number, with a verdict that "
             "could have gone the other way; and a method of our own stands beside both.\n",
             f"Of {len(evidence.headlines)} central claims **{holds}** are settled to hold, **{fails}** are settled "
             f"not to hold, and {len(evidence.headlines) - holds - fails} are left undecided.\n",
             "- **See it**: [the explorer](explorer.md) shows measured samples, one by one.",
             "- **Read it**: [paper 1](paper1.md), [paper 2](paper2.md), [our own method](own.md), "
             "[every claim](ledger.md), [the notebooks](notebooks/index.md).",
             "- **Use it**: [a csv of yours](docs/your_measurements.md), and [your method beside ours](scoreboard.md).",
             "- **Check it**: [the code](api/index.md), [where we deviate](docs/deviations.md).\n",
             "## What was claimed, and what is settled\n", text("words"),
             table(["paper", "the claim", "verdict"], [
                 [f"[{number_}](paper{number_}.md)", one.text, f"**{one.verdict}**"] for one in evidence.headlines
                 for number_ in (1 + evidence.papers.index(one.headline.paper),)]), "",
             "A verdict is settled where a 95 % interval leaves one outcome alone. The numbers stand on the papers' "
             "pages.\n",
             "## Every number that the papers print, and ours\n",
             "![Each printed value against ours, with its 95 % interval, on logarithmic scales; on the diagonal the "
             "two agree. Paper 1 and paper 2 beside each other.](figures/values.png)\n",
             "Vertical bars are 95 % intervals. A point on the diagonal is as printed. "
             "[The ledger](ledger.md) names every point.\n"]
    if maps:
        parts += ["## Our own method in one picture\n", maps.shown + "\n", f"{maps.alt}\n"]
    if beyond:
        parts += [beyond.shown + "\n", f"{beyond.title}. More: [our own method](own.md).\n"]
    return "\n".join(parts)


def paper(evidence: Evidence, which: int) -> str:
    """Return the page of a paper: its tables and figures in its order, ours, the verdicts, and what made them."""
    title = evidence.papers[which]
    verdicts = [one for one in evidence.best if one.claim.paper == title]
    caveats = claims.notes(evidence.root / "claims.yaml", "caveats").get(title, "").strip()
    rows = [[one.text, f"**{one.verdict}**" + (f" ({one.remark})" if one.remark else ""), one.numbers,
             "; ".join(_made_by(evidence, one.headline.notebook, profile) for profile in one.profiles)]
            for one in evidence.headlines if one.headline.paper == title]
    parts = [f"# Paper {which + 1}\n", f"*{title}*\n", f":::{{dropdown}} How to read this page\n{caveats}\n:::\n",
             "## What it claims, and what we found\n", table(["claim", "verdict", "what we found", "made by"], rows),
             ""]
    for name, group in groupby(sorted(verdicts, key=_place), key=matrices.passage):
        parts += _passage(evidence, name, list(group))
    more = [one for one in evidence.further if one.path.rpartition("/")[2].startswith("emitters_") == bool(which)]
    return "\n".join([*parts, "## Further figures of ours\n", *(part for one in more for part in evidence.shown(one))])


def _place(verdict: Verdict) -> tuple:
    """Return where a claim's passage stands: tables and figures by their numbers, after them the text."""
    words = matrices.passage(verdict).split()
    roman = {"I": 1, "II": 2, "III": 3, "IV": 4}
    last = words[-1]
    number_ = roman.get(last, int(last) if last.isdigit() else 0)
    kind = next((kind for kind in ("Table", "Figure") if kind in words), "")
    return {"Table": 0, "Figure": 1}.get(kind, 2), number_, "" if kind else " ".join(words)


def _passage(evidence: Evidence, name: str, verdicts: Sequence[Verdict]) -> list[str]:
    parts = [f"## {name.removeprefix('Emitters ')}\n"]
    parts += [f"{one.shown}\n\n{one.title}.\n" for one in evidence.pictures.values() if one.passage == (
        name if verdicts[0].claim.paper == evidence.papers[0] else f"Emitters {name}".replace("Emitters Emitters",
                                                                                              "Emitters"))]
    parts += _samples(evidence.root, name) if verdicts[0].claim.paper == evidence.papers[0] else []
    if cells := matrices.render(verdicts):
        parts += ["Each cell: printed → ours [95 % interval]. ✓ covers the printed number or is better; ✗ excludes it; "
                  "≈ undecided; · not judged.\n", *cells]
    rows = [[one.claim.statement, str(one), brief(one) if one.ours else "", aside(one) if one.ours else "",
             _made_by(evidence, one.claim.notebook, one.profile, one)] for one in verdicts]
    shown = table(["the paper says", "verdict", "ours", "printed or needed", "made by"], rows)
    if len(rows) > 8:
        return [*parts, f":::{{dropdown}} All {len(rows)} claims of this passage\n{shown}\n:::\n"]
    return [*parts, shown, ""]


def _samples(root: Path, name: str) -> list[str]:
    """Return links from Figures 6 and 9 to samples in the explorer: those whose kept images are the most ambiguous."""
    path = root / "results/full/trained/grid2-emd/images.nc"
    if name not in ("Figure 6", "Figure 9") or not path.is_file():
        return []
    kept, _ = kept_images.load(path)
    shown = [int(number_) for number_ in kept.measurement.values[kept.why.values.astype(str) == "ambiguous"]]
    links = ", ".join(f'<a href="explorer.html#grid2/{number_}">{number_}</a>' for number_ in shown)
    return [f"In the explorer, the samples of Grid2 with the most ambiguous images: {links}.\n"]


def _made_by(evidence: Evidence, notebook: str, profile: str, verdict: Verdict | None = None) -> str:
    """Return links to the executed notebook and the record, and the commit."""
    if not notebook:
        return ""
    path = evidence.executed(notebook, profile)
    said = [f"[notebook {Path(notebook).name[:2]}]({path})" if path else Path(notebook).stem]
    for record in sorted(files(verdict.claim.record))[:1] if verdict and verdict.claim.record is not None else []:
        said.append(f"[{record}.json](results/{profile}/{record}.json)")
        if commit := evidence.commit(record, profile):
            said.append(f"at `{commit}`")
    return ", ".join([*said, profile])


def ledger(evidence: Evidence) -> str:
    """Return the ledger: every claim in its best profile, as a table that the page filters."""
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEADS)
    words = sorted({one.verdict for one in evidence.best})
    options = "".join(f"<option>{html.escape(word)}</option>" for word in words)
    rows = "\n".join(_ledger_row(evidence, one) for one in evidence.best)
    return "\n".join([
        "# The ledger: every claim, and ours\n",
        f"{len(evidence.best)} numbers and orderings that the papers print, each in the profile that judges it best. "
        "[How verdicts are reached](results.md).\n",
        "```{raw} html", '<form class="filters" id="ledger-filters" onsubmit="return false">',
        '<label>Paper <select id="ledger-paper"><option value="">both</option><option>1</option><option>2</option>'
        '</select></label>',
        f'<label>Verdict <select id="ledger-verdict"><option value="">all</option>{options}</select></label>',
        '<label>Words <input id="ledger-words" type="search" placeholder="Grid2 EMD"></label>',
        '<output id="ledger-count" aria-live="polite"></output></form>',
        '<div class="wide" tabindex="0" role="region" aria-label="the ledger">',
        f'<table id="ledger"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>',
        '<script src="_static/ledger.js"></script>', "```", ""])


def _ledger_row(evidence: Evidence, one: Verdict) -> str:
    claim = one.claim
    printed = f"{number(claim.printed)} {claim.unit}".strip() if claim.kind == "value" else claim.printed or ""
    path = evidence.executed(claim.notebook, one.profile) if claim.notebook else ""
    link = f'<a href="{path.replace("docs/executed/", "notebooks/").removesuffix(".ipynb")}.html">' \
           f"{Path(claim.notebook).name[:2]}</a>" if path else ""
    mark = {NOT_JUDGED: "quiet", NOT_RUN: "quiet"}.get(one.verdict, "against" if one.differs else "for" if (
        one.settled.startswith("settled: holds")) else "open")
    cells = [str(1 + evidence.papers.index(claim.paper)), matrices.passage(one), claim.statement, str(printed),
             one.ours, f'<strong class="{mark}">{html.escape(one.verdict)}</strong>'
             + (f": {html.escape(one.note)}" if one.note else ""), one.profile, link]
    raw = {5, 7}
    return f'<tr id="{claim.id}" data-verdict="{html.escape(one.verdict)}">' + "".join(
        f'<td data-head="{head}">{said if place in raw else html.escape(said)}</td>'
        for place, (head, said) in enumerate(zip(_HEADS, cells))) + "</tr>"


def notebooks(there: Iterable[str], questions: Mapping[str, str]) -> str:
    """Return the index of the executed notebooks: each with its question, in the profiles that have it."""
    rows: dict[str, dict[str, str]] = {}
    for path in sorted(there, key=lambda path: path.split("/")[::-1]):
        profile, name = path.split("/")
        rows.setdefault(name, {})[profile] = path
    lines = [[Path(name).stem.replace("_", " "), questions.get(name, ""), ", ".join(
        f"[{profile}](docs/executed/{profile}/{name})" for profile in found)] for name, found in rows.items()]
    return "\n".join(["# The notebooks, executed\n",
                      "Inputs are folded; open them to see that each is a few calls of the library. Profile `full`: "
                      "the paper's networks; `quick`: small ones that a laptop trains.\n",
                      table(["notebook", "question", "executed for"], lines), ""])
