"""Notebook hygiene, and completeness: every notebook has a stage, every figure and every claim a place."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
import yaml

from rsslib.ledger import claims as claims_file
from rsslib.ledger.verdicts import judge
from rsslib.project import ROOT

NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
READ = [path for path in NOTEBOOKS if path.parent.name != "train"]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
BODIES = [stage.get("do", stage) for stage in STAGES.values()]


def _cells(path: Path, kind: str) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_sources_are_short_and_without_outputs(path):
    code = _cells(path, "code")
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert max(len(cell.source.splitlines()) for cell in code) <= 20
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1
    assert all(cell.get("id") for cell in nbformat.read(path, as_version=4).cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_define_no_algorithm(path):
    for cell in _cells(path, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.ClassDef), f"{path.name} defines class {node.name}"
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 5, f"{path.name}: {node.name} belongs in rsslib"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_all_that_a_notebook_writes_lies_below_its_root(path):
    """An absolute root, too: `root` is joined in one place alone, and checkpoints lie below the folder made of it."""
    code = [cell.source for cell in _cells(path, "code") if "parameters" not in cell.metadata.get("tags", [])]
    lines = [line for source in code for line in source.splitlines()]
    assert [line for line in lines if re.search(r"\broot\b", line)] == ["folder = ROOT / root"]
    for line in lines:
        assert "checkpoints" not in line or 'folder / "build/checkpoints"' in line or "checkpoints /" in line, line


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_a_notebook_asks_answers_and_invites(path):
    text = "\n".join(cell.source for cell in _cells(path, "markdown"))
    for part in ("**Question.**", "You will learn", "## What we learned", "## Try it"):
        assert part in text, f"{path.name} lacks {part}"
    assert not re.search(r"\b(WAIT|TODO|FIXME)\b", text), f"{path.name} is unfinished"


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_a_notebook_leads_to_its_neighbours_and_says_which_data_it_used(path):
    number, first = READ.index(path), _cells(path, "markdown")[0].source
    neighbours = {other.name for other in READ[max(number - 1, 0):number + 2]} - {path.name}
    assert set(re.findall(r"\]\((\w+\.ipynb)\)", first)) == neighbours
    assert any(re.search(r"\b(data|source)_line\(", cell.source) for cell in _cells(path, "code"))


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_what_was_found_is_computed_and_static_text_only_explains(path):
    cells = nbformat.read(path, as_version=4).cells
    start = next(number for number, cell in enumerate(cells) if cell.source.startswith("## What we learned"))
    end = next(number for number, cell in enumerate(cells) if cell.source.startswith("## Try it"))
    answer = next(cell for cell in cells[start:end] if cell.cell_type == "code")
    assert ".shown(" in answer.source
    static = "\n".join(cell.source for cell in cells[start:end] if cell.cell_type == "markdown")
    named = re.sub(r"Grid\d+|`[^`]*`|[Ff]igures? \d+|Eq\. \(\d+\)|[Pp]aper \d", "", static)
    assert not re.search(r"\d", named), "a number found by a run belongs in a computed sentence"
    assert not re.search(r"\b(quick|smoke|campus)\b", static), "static text holds for every profile"


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_records_come_last_and_can_be_left_out_of_a_page(path):
    *_, heading, cell = nbformat.read(path, as_version=4).cells
    assert heading.source.startswith("## Records") and "records" in heading.metadata.tags
    assert "results.write" in cell.source and "remove-cell" in cell.metadata.tags


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_tables_are_for_readers(path):
    shown = [cell.source.splitlines()[-1] for cell in _cells(path, "code")]
    assert not [line for line in shown if line.startswith("pd.") or ".pivot(" in line]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_has_a_stage_that_depends_on_it(path):
    name = path.relative_to(ROOT).as_posix()
    using = [body for body in BODIES if name in body["cmd"]]
    assert using, f"{name} is run by no stage of dvc.yaml"
    assert all(name in body["deps"] for body in using)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_figure_and_table_is_an_output_of_its_stage(path):
    source = "\n".join(cell.source for cell in _cells(path, "code"))
    names = re.findall(r'results\.write\(profile, "(\w+)"', source)
    if several := re.search(r"records = (\{[^}]*\})\nfor key, rows in records.items", source):
        names = re.findall(r'"(\w+)":', several[1])
    made = set(re.findall(r'"(\w+\.png)"', source)) | {f"{name}.json" for name in names}
    body = next(body for body in BODIES if path.relative_to(ROOT).as_posix() in body["cmd"])
    listed = {Path(out).name for outs in body["outs"] for out in ([outs] if isinstance(outs, str) else outs)}
    assert made == {name for name in listed if name.endswith((".png", ".json"))}


def test_stages_name_modules_that_exist():
    for body in BODIES:
        for dependency in body["deps"]:
            if dependency.startswith(("rsslib", "notebooks")):
                assert (ROOT / dependency).exists(), dependency


def test_every_difference_from_the_paper_has_its_reason_and_its_cause():
    judged = judge(claims_file.load(), "quick")
    assert [str(verdict) for verdict in judged if not verdict.explained] == []
    assert [verdict.claim.id for verdict in judged
            if verdict.differs and not verdict.claim.of("quick", verdict.claim.cause)] == []


def test_every_cell_of_tables_i_and_ii_has_a_claim():
    claims = claims_file.load()
    table2 = claims_file.printed("table2", "median_m", "loss", "split")
    assert set(table2) == {(loss, split) for loss in ("com", "pse", "emd")
                           for split in ("random", "july", "november", "grid2", "grid5")}
    for data in ("random", "april", "july", "november"):
        assert sum(claim.id.startswith(f"t1-{data}-") for claim in claims) >= 2
    for loss in ("com", "pse", "emd"):
        assert any("seconds" in claim.id and loss in claim.id for claim in claims)


def test_every_cell_of_tables_iii_and_iv_has_a_claim():
    table3 = {field: claims_file.printed("table3", field, "split") for field in (
        "low_confidence_rate", "high_confidence_median_m", "low_confidence_median_m", "in_distribution_median_m")}
    shifts = {(split,) for split in ("grid2", "grid5", "july", "november")}
    assert all(set(cells) == shifts for cells in table3.values())
    assert table3["low_confidence_median_m"]["november",] == 308.6
    seasons = ("july", "november", "april")
    assert set(claims_file.printed("table4", "median_m", "set", "model")) == {
        (season, model) for season in seasons for model in ("july", "november", "hybrid")}
    assert set(claims_file.printed("table4", "best_choice_rate", "set")) == {(season,) for season in seasons}


@pytest.mark.parametrize("claim", claims_file.load(), ids=lambda claim: claim.id)
def test_a_claim_names_its_notebook_or_says_why_it_is_not_judged(claim):
    assert claim.notebook or claim.why
    assert not claim.notebook or (ROOT / claim.notebook).exists()
