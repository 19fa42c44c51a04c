"""Headlines: the central claims of each paper, each made of claims of the ledger, and what was found of them."""

from collections.abc import Iterator, Mapping, Sequence
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
_TEXT = (str, Mapping)    # or {profile: text}
_KEYS = {"paper": str, "text": _TEXT, "notebook": str, "parts": Mapping}
_MORE = {"shows": _TEXT, "short": str, "holds": str, "fails": str, "shown": Mapping, "beside": Mapping}
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
        if len(parts) > MOST_PARTS:
            return _before(self._counted() if self.verdict != "not judged" else "not judged", self._shows)
        asides = {aside(part) for part in parts.values()}
        shared = asides.pop() if len(asides) == 1 and len(parts) > 1 else ""
        told = "; ".join(joined(label, brief(part) if shared else full(part)) for label, part in parts.items())
        return ". ".join(filter(None, [_before(told, self._shows, shared), self._aside(numbers=True)]))

    @property
    def grouped(self) -> str:
        """What the parts settle in words: where it holds, where not, and where it is undecided, with settled numbers.

        Of many parts: how many hold.
        """
        holding, against, n = len(self._of(SETTLED)), len(self._of(REFUTED)), len(self.parts)
        if n > MOST_PARTS:
            return (f"{holding} of {n} agree; the other {n - holding} are {self.remark}" if self.explained else
                    f"{holding} of {n} hold, {against} {'does' if against == 1 else 'do'} not")
        told = []
        for word, words in self._words.items():
            parts = [label + f" ({_before(brief(part), self._shows)})" * (word != UNDECIDED)
                     for label, part in self._of(word).items()]
            told += [f"{words} on {listed(parts)}"] if parts else []
        return ". ".join(filter(None, ["; ".join(told), self._aside(numbers=False)]))

    @property
    def _words(self) -> dict[str, str]:
        return {SETTLED: self.headline.holds, REFUTED: self.headline.fails, UNDECIDED: "undecided"}

    @property
    def _shows(self) -> str:
        return of_profile(self.headline.shows, self._profile)

    @property
    def profiles(self) -> list[str]:
        """The profiles of its parts, each once."""
        return list(dict.fromkeys(part.profile for part in self.parts.values()))

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
        told = "; ".join(f"{self._words[word]} on {listed(groups[word])}" for word in (REFUTED, SETTLED, UNDECIDED)
                         if word in groups)
        return f"{self.headline.beside['shows']} {told}" if told else ""


def entries(path: Path, kind: str, keys: Mapping, more: Mapping) -> Iterator[tuple[str, dict]]:
    """Yield the entries of a section of a claims file by their names; `paper` is replaced by the paper's title.

    Input: the types of the keys that an entry has, and of those that it may have.
    Errors: InputError for an unknown or missing key, a value of another type, or an unknown paper.
    """
    content = read(path)
    for name, entry in content.get(kind, {}).items():
        if not isinstance(entry, Mapping):
            raise InputError(f"{path}: {kind}: {name}: found {entry!r}; expected the keys {', '.join(keys)}")
        for key in [*keys, *entry]:
            if key not in entry or key not in {**keys, **more}:
                wrong = "unknown" if key in entry else "missing"
                raise InputError(f"{path}: {kind}: {name}: {wrong} key {key!r}; it has {', '.join(keys)}, and may have "
                                 f"{', '.join(more) or 'no other'}")
            value, expected = entry[key], {**keys, **more}[key]
            texts = value.values() if isinstance(value, Mapping) else ()
            if not isinstance(value, expected) or not all(isinstance(text, _TEXT) for text in texts):
                raise InputError(f"{path}: {kind}: {name}: `{key}` is {value!r}; expected a text"
                                 + (" for each name" if expected is Mapping else ""))
        if entry["paper"] not in content["papers"]:
            raise InputError(f"{path}: {kind}: {name}: unknown paper {entry['paper']!r}")
        yield name, {**entry, "paper": content["papers"][entry["paper"]]}


def load(path: str | Path | None = None) -> list[Headline]:
    """Read the headlines of a claims file (by default ROOT/claims.yaml). Errors: those of `entries`.

    >>> load()[0].id  # doctest: +SKIP
    'emd-over-com'
    """
    path = Path(path or ROOT / "claims.yaml")
    loaded = [Headline(**entry, id=name) for name, entry in entries(path, "headlines", _KEYS, _MORE)]
    for one in loaded:
        if not all(isinstance(claim, str) for claim in (*one.parts.values(), *one.shown.values())):
            raise InputError(f"{path}: headlines: {one.id}: a part is no text; expected the ids of claims")
        if one.beside and set(one.beside) != _BESIDE:
            raise InputError(f"{path}: headlines: {one.id}: `beside` has the keys {sorted(_BESIDE)}")
    return loaded


def lines(path: str | Path | None = None) -> dict[str, list[str]]:
    """Return what the README quotes: {the beginning of a line: the ids of its headlines and rankings}.

    Errors: InputError for a line without a list of ids.
    """
    path = Path(path or ROOT / "claims.yaml")
    found = read(path).get("findings", {})
    for title, names in found.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(f"{path}: findings: {title!r} has {names!r}; expected a list of headlines and rankings")
    return found


def judge(headlines: Sequence[Headline], verdicts: Sequence[Verdict], folder: str | Path | None = None) -> list[Found]:
    """Return the headlines with the verdicts on their parts, and the differences beside them from records in `folder`.

    A part is labelled with its profile where other parts are of another.
    Errors: InputError for a claim that is not there.
    """
    known = {verdict.claim.id: verdict for verdict in verdicts}
    for headline in headlines:
        if unknown := {*headline.parts.values(), *headline.shown.values()} - set(known):
            raise InputError(f"claims.yaml: headlines: {headline.id}: no claim {min(unknown)!r}; expected those here")
    return [Found(headline, _labelled(headline.parts, known), _labelled(headline.shown, known),
                  _beside(headline, _labelled(headline.parts, known), folder)) for headline in headlines]


def _labelled(parts: Mapping[str, str], known: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """Return the verdicts on some claims by their labels, with the profile where not all are of one."""
    mixed = len({known[name].profile for name in parts.values()}) > 1
    return {f"{label} ({known[name].profile})" if mixed else label: known[name] for label, name in parts.items()}


def _beside(headline: Headline, parts: Mapping[str, Verdict], folder: str | Path | None) -> dict[str, Difference]:
    """Return the paired differences of the field that a headline has `beside` that of its parts, if there are any."""
    found: dict[str, Difference] = {}
    for label, part in parts.items() if headline.beside else ():
        claim, records = part.claim, Records(part.profile, folder)
        if claim.kind != "ordering" or not all("file" in claim.record[side] for side in ("left", "right")):
            raise InputError(f"headline {headline.id}: `beside` goes with orderings of two records; {claim.id} is none")
        left, right = ({**claim.record[side], "field": headline.beside["field"]} for side in ("left", "right"))
        if records.has(left["file"]) and (pair := paired(left, right, records)):
            found[label] = pair
    return found


def _word(part: Verdict) -> str:
    return part.settled or UNDECIDED


def _before(told: str, *first: str) -> str:
    return ": ".join(filter(None, [", ".join(filter(None, first)), told]))
