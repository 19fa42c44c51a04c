"""A small ledger for tests: two papers, a printed table, orderings of its cells, headlines; and its records."""

from pathlib import Path

from matplotlib.figure import Figure

from rsslib.ledger import results

CLAIMS = """
papers: {p: A Paper, q: Another}
notes: {q: Its text has lost settings.}
caveats: {p: Neighbours in time.}
causes: {schedule: A short schedule, text: The paper's own text}
labels:
  loss: {com: {name: CoM}, emd: {name: EMD}}
  split: {grid2: {name: Grid2}, july: {name: July to November, short: July→Nov}}
tables:
  t2: |
    loss/split  grid2   july
    com         334.0  149.7
    emd         277.5  116.5
claims:
  - table: t2
    id: "t2-{loss}-{split}"
    paper: p
    where: Table II
    statement: "Median | {loss.name}, {split.name}"
    kind: value
    printed: "{printed}"
    unit: m
    record: {file: table2, where: {loss: "{loss}", split: "{split}"}, field: median_m}
    tolerance: {relative: 0.25, better: lower}
    notebook: notebooks/02_loss_comparison.ipynb
    own: {t2-com-july: {cause: {quick: schedule}, why: {quick: trained for too short}}}
  - table: t2
    pairs: {loss: [[emd, com]]}
    id: "order-{split}"
    name: "EMD below CoM, {split.name}"
    paper: p
    where: Table II, orderings
    statement: "EMD below CoM, {split.name}"
    kind: ordering
    printed: "{left.printed} < {right.printed} m"
    unit: m
    record:
      left: {file: table2, where: {loss: "{left}", split: "{split}"}, field: median_m}
      relation: "<"
      right: {file: table2, where: {loss: "{right}", split: "{split}"}, field: median_m}
    cause: {quick: schedule}
    why: {quick: few samples}
  - {id: c, paper: q, where: Figure 4, statement: Shapes, kind: text, why: {any: see fig04}}
  - {id: d, paper: q, where: Table I, statement: Rows, kind: value, printed: 3, tolerance: {absolute: 0},
     record: {file: table1, where: {}, field: n}}
headlines:
  emd-over-com:
    paper: p
    text: "EMD is ahead of CoM"
    notebook: notebooks/02_loss_comparison.ipynb
    shows: "EMD − CoM"
    parts: {Grid2: order-grid2, July→Nov: order-july}
  rows:
    paper: q
    text: "There are three rows"
    notebook: notebooks/01_data_prep.ipynb
    parts: {rows: d}
findings: {"The central claim": [emd-over-com], "The rows": [rows]}
"""
ORIGIN = {"source": "frs", "doi": "10.5281/zenodo.7259895", "md5": None, "code_hash": "0123456789ab"}
MEDIANS = {("com", "grid2"): 340.0, ("emd", "grid2"): 300.0, ("com", "july"): 250.0, ("emd", "july"): 140.0}
PAIRS = {"grid2": (-40.0, [-60.0, -20.0]), "july": (-110.0, [-150.0, -80.0])}


def write(root: Path, profile: str = "quick", pairs=PAIRS, medians=MEDIANS) -> Path:
    """Write the claims file, and the records of a profile, into `root`; return it."""
    (root / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    records = [{"loss": loss, "split": split, "median_m": value, "ci95_m": [value - 10, value + 10]}
               for (loss, split), value in medians.items()]
    results.write(profile, "table2", records, ORIGIN, {}, root / "results")
    results.write(profile, "table2_pairs", [
        {"left_loss": "emd", "right_loss": "com", "split": split, "median_m": difference, "ci95_median_m": ci95}
        for split, (difference, ci95) in pairs.items()], ORIGIN, {}, root / "results")
    return root


def draw(root: Path, name: str, profile: str = "quick", **told: str) -> Path:
    """Draw a figure into <root>/figures/<profile>; `told` are its metadata, such as Title and Description."""
    path = root / "figures" / profile / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Figure(figsize=(0.2, 0.2)).savefig(path, metadata=told)
    return path
