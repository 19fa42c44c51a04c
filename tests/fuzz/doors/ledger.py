"""Doors of rsslib.ledger: records, claims, verdicts, pictures, provenance."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import small_ledger
import yaml

from rsslib.ledger import claims, page, pictures, provenance, results, verdicts
from rsslib.ledger.quantities import Records
from rsslib.ledger.rankings import sentences

from .. import small
from ..arrays import ODD
from ..contents import INF, NAN
from ..law import Call, unless
from ..mutations import TEXTS, Mutator
from .registry import door

RECORDS = {"provenance": {"source": "frs", "md5": None}, "records": [
    {"loss": "emd", "split": "grid2", "median_m": 300.0, "ci95_m": [290.0, 310.0], "n": 3},
    {"loss": "com", "split": "grid2", "median_m": 340.0, "ci95_m": [330.0, 350.0], "n": 3}]}
RANKING = {"paper": "p", "text": "By the median", "file": "table2", "field": "median_m", "within": "split",
           "of": "loss",
           "cases": {"grid2": "Grid2"}, "names": {"emd": "EMD", "com": "CoM"}}
STAGES = {"stages": {"a": {"cmd": "python -m rsslib.run notebooks/01.ipynb out", "deps": ["x"],
                           "outs": ["data/${item}"]},
                     "b": {"do": {"cmd": "python notebooks/02.ipynb", "deps": ["data/quick"]}}}}
LEDGER = ("table2.json", "table2_pairs.json", "table2.stamp.json")


def _finite(value: object) -> bool:
    """Return whether a tree holds no number that is not finite."""
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_finite, value))
    return not isinstance(value, float) or bool(np.isfinite(value))


def _yaml(m: Mutator, name: str, content: object, often: float = 0.85) -> Path:
    """Write a YAML file whose tree, lines or bytes are mutated."""
    def tree(_: bytes) -> bytes:
        return yaml.safe_dump(m.tree(content), allow_unicode=True).encode("utf-8", "replace")
    return m.file(name, yaml.safe_dump(content).encode(), [tree, tree, m.lines], often)


@cache
def _claims() -> dict:
    return yaml.safe_load(small_ledger.CLAIMS)


@door("ledger.results.read")
def _read(m: Mutator) -> Call:
    root, m.folder = m.folder, m.folder / "quick"
    m.folder.mkdir()
    path = m.json("table2.json", RECORDS)
    given = {"profile": m.text("quick", "profile", 0.1), "name": m.text("table2", "name", 0.1, ["table2.json"])}
    return Call(lambda: results.read(**given, folder=root), [path.name, "table2", "results",
                                                             *filter(None, given.values())],
                lambda content: unless(all(isinstance(row, dict) and _finite(row) for row in content["records"]),
                                       "no records"))


@door("ledger.results.write")
def _write(m: Mutator) -> Call:
    records, origin = m.tree(RECORDS["records"], 0.6, (*ODD, NAN, INF)), m.tree(RECORDS["provenance"], 0.2, ODD)
    given = {"profile": m.text("smoke", "profile", 0.1), "name": m.text("table2", "name", 0.1)}
    targets = [m.folder / given["profile"] / f"{given['name']}{end}" for end in (".json", ".stamp.json")]

    def judge(_) -> str:
        back = results.read(**given, folder=m.folder)["records"]
        return unless(len(back) == len(records) and _finite(back), "other records are read back")
    return Call(lambda: results.write(**given, records=records, provenance=origin, stamp={}, folder=m.folder),
                ["record", "provenance", "results", "table2.json"], judge, [*targets, *targets[0].parents])


@door("ledger.results.one")
def _one(m: Mutator) -> Call:
    records, where = m.tree(RECORDS["records"], 0.6), m.tree({"loss": "emd"}, 0.5)
    where = {key: value for key, value in where.items() if key != "records"} if isinstance(where, dict) else {}
    return Call(lambda: results.one(records, **where), ["record"],
                lambda record: unless(isinstance(record, dict), "no record"))


@door("ledger.claims.load")
def _load(m: Mutator) -> Call:
    path = _yaml(m, "claims.yaml", _claims())

    def judge(loaded: Sequence) -> str:
        values = [claim for claim in loaded if claim.kind == "value"]
        numbers = [[claim.printed,
                    *(value for key, value in claim.tolerance.items() if key != "better")] for claim in values]
        fine = _finite(numbers) and not any(isinstance(number, bool) for row in numbers for number in row)
        return unless(fine and all(isinstance(claim.id, str) and claim.id for claim in loaded),
                      "a number or an id that is none")
    return Call(lambda: claims.load(path), [path.name], judge)


@door("ledger.claims.printed", 0.5)
def _printed(m: Mutator) -> Call:
    path = _yaml(m, "claims.yaml", _claims(), 0.6)
    given = [m.choice(valid, (*TEXTS, None, 1), name, 0.1)
             for name, valid in (("file", "table2"), ("field", "median_m"), ("key", "loss"), ("key", "split"))]
    return Call(lambda: (claims.printed(*given, path=path), claims.notes(path), claims.causes(path)),
                [path.name, "file", "field", "keys", "claim"],
                lambda told: unless(_finite(list(told[0].values())), "no numbers"))


def _project(m: Mutator, often: float) -> Path:
    """Make a small ledger, with one damaged file of records; return its folder."""
    root = small_ledger.write(m.folder)
    if m.wants(often):
        m.folder = root / "results" / "quick"
        name = m.say(m.one(LEDGER))
        content = (m.folder / name).read_bytes()
        (m.folder / name).unlink()
        m.file(name, content, [lambda b: m.dumped(m.tree(json.loads(b)))] * 2, 1.0)
        m.folder = root
    return root


@door("ledger.verdicts.judge")
def _judge(m: Mutator) -> Call:
    root, profile = _project(m, 0.9), m.text("quick", "profile", 0.1)
    loaded = claims.load(root / "claims.yaml")

    def judge(told: Sequence) -> str:
        fine = len(told) == len(loaded) and all(one.verdict in verdicts.VERDICTS for one in told)
        return unless(fine and _finite([one.value for one in told]),
                      "a claim without a verdict, or a value that is no number")
    return Call(lambda: verdicts.judge(loaded, profile, root / "results"), [*LEDGER, "results", "profile"], judge)


@door("ledger.rankings.sentences", 0.5)
def _rankings(m: Mutator) -> Call:
    root = _project(m, 0.4)
    content = {**_claims(), "rankings": m.tree({"r": RANKING}, 0.7)}
    (root / "claims.yaml").write_bytes(yaml.safe_dump(content, allow_unicode=True).encode("utf-8", "replace"))
    return Call(lambda: sentences(root / "claims.yaml", Records("quick", root / "results")), ["claims.yaml", *LEDGER],
                lambda told: unless(isinstance(told, dict), "no sentences"))


@door("ledger.page.main", 0.5)
def _page(m: Mutator) -> Call:
    root = _project(m, 0.4)
    (root / "claims.yaml").unlink()
    _yaml(m, "claims.yaml", _claims(), 0.5)
    drawn = small_ledger.draw(root, "fig07", Title="Seven", Description="A curve")
    if m.wants(0.3):
        m.say(drawn.name)
        drawn.write_bytes(m.bytes(drawn.read_bytes()))
    pages = [root / name for name in ("RESULTS.md", "LEDGER.md", "docs/figures.md", "metrics.json")]
    return Call(lambda: page.main(root), ["claims.yaml", "fig07.png", *LEDGER],
                lambda status: unless(status == 0 and all(path.exists() for path in pages), "no pages"),
                [*pages, root / "docs"])


@door("ledger.pictures.of")
def _pictures(m: Mutator) -> Call:
    path = small_ledger.draw(m.folder, "fig07", Title="Seven", Description="A curve")
    content, root = path.read_bytes(), m.folder
    path.unlink()
    m.folder = path.parent
    path = m.file("fig07.png", content)
    return Call(lambda: pictures.of("quick", root), [path.name, "fig07.png"],
                lambda found: unless(all(one.title for one in found), "a picture without a title"))


@door("ledger.provenance.upstream", 0.5)
def _upstream(m: Mutator) -> Call:
    path = _yaml(m, "dvc.yaml", STAGES)
    return Call(lambda: provenance.upstream("notebooks/02.ipynb", m.folder), [path.name, "dvc.yaml"],
                lambda names: unless("notebooks/02.ipynb" in names, "without itself"))


@door("ledger.provenance.provenance", 0.5)
def _provenance(m: Mutator) -> Call:
    attrs, parameters = m.tree(dict(small.dataset(3).attrs), 0.5), m.tree({"epochs": 3, "splits": ["random"]}, 0.5, ODD)
    notebook = m.choice("notebooks/01_data_prep.ipynb", ("nowhere.ipynb", "", None, "notebooks"), "notebook", 0.2)
    return Call(lambda: provenance.provenance(notebook, attrs, parameters),
                ["notebook", "dataset_attrs", "parameters", str(notebook) or "notebook"],
                lambda made: unless(json.dumps(results.plain(made)) and len(made["parameter_hash"]) == 12,
                                    "no provenance"))
