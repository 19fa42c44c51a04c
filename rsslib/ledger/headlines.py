"""Headlines: the central claims of each paper, each made of claims of the ledger, and what was found of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rsslib.ledger.brief import aside, brief, difference, full, joined, unit_of
from rsslib.ledger.claims import of_profile, read
from rsslib.ledger.quantities import Difference, Records, paired
from rsslib.ledger.verdicts import NOT_JUDGED, Verdict
from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, listed, settled, together
from rsslib.project import ROOT, InputError

NOT_TESTED = "not tested"
MOST_PARTS = 5
"""A headline of more parts is told by their number, with the exceptions named; a single part that is settled not to
hold leaves it undecided, as 1 in 40 is by chance."""
OWN_TEXT = "text"
"""The cause of differences that the paper's own text or tables explain."""
_KEYS = {"paper", "text", "notebook", "parts"}
_MORE = {"shows", "short", "holds", "fails", "shown", "beside"}
_BESIDE = {"field", "shows"}


@dataclass(frozen=True)
class Headline:
    """What a paper claims, in one sentence, and the claims that it is made of: {what each is about: its id}.

    `shows` says what the parts' numbers are, such as "EMD - CoM"; `shown` are the claims whose numbers are shown, if
    other than the parts. `short` is the README's text; `holds` and `fails` say in words what it means that a part does.
    `beside` is a field whose paired differences are told, too. `text` and `shows` may be {profile: text}.
    """

    id: str
    paper: str
    text: str | Mapping
    notebook: str
    parts: Mapping[str, str]
    shows: str | Mapping = ""
    short: str = ""
    holds: str = SETTLED
    fails: str = REFUTED
    shown: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """A headline with the verdicts on its parts, in one profile; `beside` are the differences of its other field."""

    headline: Headline
    parts: Mapping[str, Verdict] = field(default_factory=dict)
    shown: Mapping[str, Verdict] = field(default_factory=dict)
    beside: Mapping[str, Difference] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What the paper claims."""
        return of_profile(self.headline.text, self._profile)

    @property
    def verdict(self) -> str:
        """What is settled: it holds only if all its parts do. A part that was not run leaves it undecided."""
        if not any(part.settled for part in self.parts.values()):
            judged = any(part.verdict == NOT_JUDGED for part in self.parts.values())
            return "not judged" if judged else NOT_TESTED
        return UNDECIDED if self._by_chance else together([_word(part) for part in self.parts.values()])

    @property
    def remark(self) -> str:
        """What needs saying of the verdict, or ""."""
        if self._by_chance:
            return f"1 of {len(self.parts)} settled against"
        return "most likely explained by the paper's own text or tables" if self.explained else ""

    @property
    def explained(self) -> bool:
        """Whether it does not hold, and the paper's own text or tables explain each part that does not."""
        return self.verdict == REFUTED and all(
            part.claim.of(part.profile, part.claim.cause) == OWN_TEXT for part in self._of(REFUTED).values())

    @property
    def numbers(self) -> str:
        """Our numbers, part by part, or of many parts how many are settled to hold, and those that are not.

        What is printed or needed of all parts alike is said once.
        """
        parts = self.shown or self.parts
        if not any(part.ours for part in parts.values()):
            return "nothing was run"
        shows = of_profile(self.headline.shows, self._profile)
        if len(parts) > MOST_PARTS:
            told = self._counted() if self.verdict != "not judged" else "not judged"
            return _before(told, shows)
        asides = {aside(part) for part in parts.values()}
        shared = asides.pop() if len(asides) == 1 and len(parts) > 1 else ""
        told = "; ".join(joined(label, brief(part) if shared else full(part)) for label, part in parts.items())
        return ". ".join(filter(None, [_before(told, shows, shared), self._aside(numbers=True)]))

    @property
    def grouped(self) -> str:
        """What the parts settle in words: where it holds, where not, and where it is undecided, with settled numbers.

        Of many parts: how many hold.
        """
        if len(self.parts) > MOST_PARTS:
            holding, against = len(self._of(SETTLED)), len(self._of(REFUTED))
            if self.explained:
                return f"{holding} of {len(self.parts)} agree; the other {len(self.parts) - holding} are {self.remark}"
            return f"{holding} of {len(self.parts)} hold, {against} {'does' if against == 1 else 'do'} not"
        shows = of_profile(self.headline.shows, self._profile)
        told = [f"{words} on {listed([f'{label} ({_before(brief(part), shows)})' for label, part in group.items()])}"
                for words, group in ((self.headline.holds, self._of(SETTLED)), (self.headline.fails, self._of(REFUTED)))
                if group]
        told += [f"undecided on {listed(list(self._of(UNDECIDED)))}"] if self._of(UNDECIDED) else []
        return ". ".join(filter(None, ["; ".join(told), self._aside(numbers=False)]))

    @property
    def _profile(self) -> str:
        return next((part.profile for part in self.parts.values()), "")

    @property
    def _by_chance(self) -> bool:
        """Whether a single one of many parts is settled not to hold, by an interval."""
        refuted = list(self._of(REFUTED).values())
        return len(self.parts) > MOST_PARTS and len(refuted) == 1 and not refuted[0].claim.exact

    def _of(self, word: str) -> dict[str, Verdict]:
        return {label: part for label, part in self.parts.items() if _word(part) == word}

    def _counted(self) -> str:
        told = [f"{len(self._of(SETTLED))} of {len(self.parts)} hold"]
        for word, shown in ((REFUTED, "not"), (UNDECIDED, UNDECIDED)):
            names = [f"{label} {full(part)}" if part.value is not None else label
                     for label, part in self._of(word).items()]
            told += [f"{shown}: {listed(names)}"] if names else []
        return "; ".join(told)

    def _aside(self, numbers: bool) -> str:
        """Return what the differences of the other field settle."""
        groups: dict[str, list[str]] = {}
        for label, (value, ci95) in self.beside.items():
            claim = self.parts[label].claim
            shown = f"{label} ({difference(value, ci95, unit_of(claim))})" if numbers else label
            groups.setdefault(settled(ci95, claim.record["relation"][0]), []).append(shown)
        words = {REFUTED: self.headline.fails, SETTLED: self.headline.holds, UNDECIDED: "undecided"}
        told = "; ".join(f"{words[word]} on {listed(groups[word])}" for word in words if word in groups)
        return f"{self.headline.beside['shows']} {told}" if told else ""


def load(path: str | Path | None = None) -> list[Headline]:
    """Read the headlines of a claims file (by default ROOT/claims.yaml); `paper` is replaced by the paper's title.

    Errors: InputError for a headline with an unknown or missing key, or of an unknown paper.

    >>> load()[0].id  # doctest: +SKIP
    'emd-over-com'
    """
    path = Path(path or ROOT / "claims.yaml")
    content = read(path)
    loaded = []
    for name, entry in content.get("headlines", {}).items():
        if missing := _KEYS - set(entry):
            raise InputError(f"{path}: headline {name}: missing key {min(missing)!r}")
        if unknown := set(entry) - _KEYS - _MORE:
            raise InputError(f"{path}: headline {name}: unknown key {min(unknown)!r}")
        if entry["paper"] not in content["papers"]:
            raise InputError(f"{path}: headline {name}: unknown paper {entry['paper']!r}")
        if "beside" in entry and set(entry["beside"]) != _BESIDE:
            raise InputError(f"{path}: headline {name}: `beside` has the keys {sorted(_BESIDE)}")
        loaded.append(Headline(**entry | {"id": name, "paper": content["papers"][entry["paper"]]}))
    return loaded


def lines(path: str | Path | None = None) -> dict[str, list[str]]:
    """Return what the README quotes: {the beginning of a line: the ids of its headlines and rankings}."""
    return read(Path(path or ROOT / "claims.yaml")).get("findings", {})


def judge(headlines: Sequence[Headline], verdicts: Sequence[Verdict], records: Records | None = None) -> list[Found]:
    """Return the headlines with the verdicts on their parts, and from `records` the differences beside them.

    Errors: InputError for a claim that is not there.
    """
    known = {verdict.claim.id: verdict for verdict in verdicts}
    for headline in headlines:
        if unknown := {*headline.parts.values(), *headline.shown.values()} - set(known):
            raise InputError(f"headline {headline.id}: no claim {min(unknown)!r}")
    return [Found(headline, {label: known[name] for label, name in headline.parts.items()},
                  {label: known[name] for label, name in headline.shown.items()},
                  _beside(headline, known, records) if records else {}) for headline in headlines]


def _beside(headline: Headline, known: Mapping[str, Verdict], records: Records) -> dict[str, Difference]:
    """Return the paired differences of the field that a headline has `beside` that of its parts, if there are any."""
    found: dict[str, Difference] = {}
    for label, name in headline.parts.items() if headline.beside else ():
        sides = known[name].claim.record
        left, right = ({**sides[side], "field": headline.beside["field"]} for side in ("left", "right"))
        if records.has(left["file"]) and (pair := paired(left, right, records)):
            found[label] = pair
    return found


def _word(part: Verdict) -> str:
    return part.settled or UNDECIDED


def _before(told: str, *first: str) -> str:
    return ": ".join(filter(None, [", ".join(filter(None, first)), told]))
