"""The claims file (claims.yaml): the papers' claims, expanded from its tables and validated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from rsslib.files import read_text, read_yaml
from rsslib.ledger import rules
from rsslib.ledger.entries import Cell, Entries
from rsslib.ledger.rules import COMPUTE, REAL, RELATIONS
from rsslib.project import ROOT, InputError

__all__ = ["COMPUTE", "REAL", "RELATIONS", "Cell", "Claim", "causes", "load", "notes", "of_profile", "printed", "read"]
_WHAT = "YAML with the papers' claims"


def of_profile(text: str | Mapping, profile: str) -> str:
    """Return a text, or of {profile: text} that of a profile, else of `any`, else "".

    >>> of_profile("a", "quick"), of_profile({"any": "b"}, "quick"), of_profile({"paper": "c"}, "quick")
    ('a', 'b', '')
    """
    return text if isinstance(text, str) else text.get(profile, text.get("any", ""))


@dataclass(frozen=True)
class Claim:
    """A number, ordering or statement of a paper; claims.yaml documents the fields."""

    id: str
    paper: str
    where: str
    statement: str
    kind: str
    printed: Any = None
    unit: str = ""
    record: Any = None
    tolerance: Mapping = field(default_factory=dict)
    profiles: tuple[str, ...] = REAL
    why: Mapping = field(default_factory=dict)
    cause: Mapping = field(default_factory=dict)
    notebook: str = ""
    exact: bool = False
    name: str = ""
    cell: Cell | None = None

    def of(self, profile: str, texts: Mapping) -> str:
        """Return the text for a profile of `why` or `cause`, or ""."""
        return of_profile(texts, profile)


def load(path: str | Path | None = None) -> list[Claim]:
    """Read and validate the claims file (by default ROOT/claims.yaml); `paper` is replaced by the paper's title.

    Errors: InputError naming the claim and the key that is unknown, missing or repeated.

    >>> load()[0].kind  # doctest: +SKIP
    'value'
    """
    path = Path(path or ROOT / "claims.yaml")
    return list(_claims(path, read_text(path, _WHAT)))


@lru_cache(maxsize=4)
def _claims(path: Path, text: str) -> list[Claim]:
    """Return the claims of a file with this text: they are asked for many times, and parsed once."""
    content, claims = read(path), {}
    try:
        for entry in Entries(content).claims(content["claims"], {}):
            cell = entry.pop("cell") if isinstance(entry.get("cell"), Cell) else None
            rules.check_claim(entry, content)
            if entry["id"] in claims:
                raise InputError(f"claim {entry['id']}: this id is used twice")
            title, profiles = content["papers"][entry["paper"]], tuple(entry.get("profiles", REAL))
            claims[entry["id"]] = Claim(**entry | {"paper": title, "profiles": profiles, "cell": cell})
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return list(claims.values())


def notes(path: str | Path | None = None, kind: str = "notes") -> dict[str, str]:
    """Return the notes on whole papers, or their `caveats`, {title: text}."""
    content = read(Path(path or ROOT / "claims.yaml"))
    return {content["papers"][key]: text for key, text in content.get(kind, {}).items()}


def causes(path: str | Path | None = None) -> dict[str, str]:
    """Return the causes of differences, {key: text}."""
    return read(Path(path or ROOT / "claims.yaml")).get("causes", {})


def printed(file: str, field: str, *keys: str, path: str | Path | None = None) -> dict[tuple, float]:
    """Return the printed numbers for a field of a file of records, {(values of `keys`): number}.

    If the paper prints percent and the records are shares, the numbers are shares.
    Errors: InputError if `keys` do not distinguish two claims.

    >>> printed("table2", "median_m", "loss", "split")["emd", "random"]  # doctest: +SKIP
    47.4
    """
    if not all(isinstance(key, str) for key in keys):
        raise InputError(f"keys: {keys!r}; expected names of keys, such as 'loss'")
    numbers: dict[tuple, float] = {}
    for claim in load(path):
        spec, scale = claim.record, 1
        if isinstance(spec, Mapping) and spec.get("compute") == "percent" and spec["of"][1] == 1:
            spec, scale = spec["of"][0], 100
        is_field = isinstance(spec, Mapping) and (spec.get("file"), spec.get("field")) == (file, field)
        if claim.kind == "value" and is_field:
            values = tuple(spec["where"].get(key) for key in keys)
            if values in numbers:
                raise InputError(f"claim {claim.id}: {file} {field} of {values} is printed twice; name more keys than "
                                 f"{', '.join(keys) or 'none'}")
            numbers[values] = claim.printed / scale
    return numbers


def read(path: Path) -> dict:
    """Return the content of a claims file, as it stands. Errors: InputError naming the key that is wrong."""
    content = read_yaml(path, _WHAT)
    rules.check_file(content, path)
    return content
