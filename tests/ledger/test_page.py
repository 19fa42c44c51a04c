"""The ledger page: a table per paper and passage, a count per profile, and where the records come from."""

import pytest
import yaml

from rsslib.ledger import claims, page, results
from rsslib.ledger.verdicts import judge
from rsslib.project import ROOT, InputError

LEDGER = """
papers: {p: A Paper, q: Another}
claims:
  - {id: a, paper: p, where: Table II, statement: "Median | EMD", kind: value, printed: 277.5, unit: m,
     record: {file: table2, where: {loss: emd}, field: median_m}, tolerance: {relative: 0.25, better: lower},
     notebook: notebooks/02_loss_comparison.ipynb}
  - {id: b, paper: p, where: "Table II, order", statement: EMD below CoM, kind: ordering,
     printed: 277.5 < 334.0 m,
     record: {left: {file: table2, where: {loss: emd}, field: median_m}, relation: "<", right: 100}}
  - {id: c, paper: q, where: Figure 4, statement: Shapes, kind: text, why: {any: see fig04}}
  - {id: d, paper: q, where: Table I, statement: Rows, kind: value, printed: 3, tolerance: {absolute: 0},
     record: {file: table1, where: {}, field: n}}
"""


def render(profiles, path, folder):
    judged = {profile: judge(claims.load(path), profile, folder) for profile in profiles}
    return page.render(judged, claims.notes(path), folder)


@pytest.mark.parametrize("tolerance, unit, text", [
    ({"relative": 0.25, "better": "lower"}, "m", "±25 %, lower is better"), ({"absolute": 0}, "", "exact"),
    ({"relative": 0, "better": "lower"}, "m", "at most as printed"), ({"absolute": 5}, "%", "±5 points"),
    ({"absolute": 0.5}, "km2", "±0.5 km2")])
def test_tolerances_in_words(tmp_path, tolerance, unit, text):
    entry = {"id": "a", "paper": "p", "where": "Table II", "statement": "s", "kind": "value", "printed": 1,
             "record": 1, "unit": unit, "tolerance": tolerance}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump({"papers": {"p": "A Paper"}, "claims": [entry]}))
    assert f"| {text} | **reproduced** |" in render(["quick"], tmp_path / "claims.yaml", tmp_path)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "claims.yaml").write_text(LEDGER)
    records = [{"loss": "emd", "median_m": 270.0, "ci95_m": [260.0, 290.5]}]
    origin = {"source": "frs", "doi": "10.5281/zenodo.7259895", "md5": None, "code_hash": "0123456789ab"}
    for profile in ("quick", "campus", "smoke"):
        results.write(profile, "table2", records, origin, {}, tmp_path / "results")
    return tmp_path


def test_rows_verdicts_and_provenance(root, monkeypatch):
    monkeypatch.setattr(page, "ROOT", root)    # no figure there
    text = render(["quick"], root / "claims.yaml", root / "results")
    link = "[02_loss_comparison](notebooks/02_loss_comparison.ipynb)"
    assert "| Median \\| EMD | 277.5 m | 270.0 m [260.0, 290.5] | ±25 %, lower is better |" in text
    assert f"| **reproduced** | {link} |" in text
    assert "| 277.5 < 334.0 m | 270.0 [260.0, 290.5] not < 100 | ordering |" in text
    assert "| **differs**: no reason recorded yet |" in text
    assert "| Rows | 3 |  | exact | **not run**: no table1.json |  |" in text
    assert "**not judged in this profile**: see fig04" in text
    assert "- `quick/table2.json`: source frs; doi 10.5281/zenodo.7259895; code hash 0123456789ab\n" in text
    assert "| quick, paper 1 | 1 | 0 | 0 | 1 | 0 | 0 |" in text
    assert "| quick, paper 2 | 0 | 0 | 0 | 0 | 1 | 1 |" in text
    headings = [line for line in text.splitlines() if line.startswith("###")]
    assert headings == ["### A Paper", "#### Table II", "### Another", "#### Figure 4", "#### Table I",
                        "### Where these records come from"]


def test_the_page_leads_with_quick_heads_campus_clearly_and_omits_smoke(root, capsys):
    assert page.main(root / "claims.yaml", root / "results", root / "RESULTS.md") == 0
    text = (root / "RESULTS.md").read_text()
    assert text.index("## Profile `quick`") < text.index(
        "## Profile `campus`: synthetic campus: not comparable with the paper")
    assert "smoke" not in text
    printed = capsys.readouterr().out
    assert "quick: 1 reproduced, 1 differs, 1 not judged in this profile, 1 not run" in printed
    assert "quick, b: differs: no reason recorded yet" in printed
    page.main(root / "claims.yaml", root / "results", root / "RESULTS.md")
    assert (root / "RESULTS.md").read_text() == text


def test_a_papers_note_is_under_its_heading_in_real_profiles_alone(root):
    with_notes = LEDGER.replace("claims:", "notes: {q: Its text has lost settings.}\nclaims:")
    (root / "claims.yaml").write_text(with_notes)
    text = render(["quick", "campus"], root / "claims.yaml", root / "results")
    assert text.count("### Another\n\nIts text has lost settings.") == 1 == text.count("Its text has lost settings.")
    (root / "claims.yaml").write_text(with_notes.replace("{q: Its text has lost settings.}", "[]"))
    with pytest.raises(InputError, match="`notes` is .*expected a mapping"):
        render(["quick"], root / "claims.yaml", root / "results")
    (root / "claims.yaml").write_text(with_notes.replace("{q:", "{r:"))
    with pytest.raises(InputError, match="`notes` has 'r'; its keys are those of `papers`"):
        render(["quick"], root / "claims.yaml", root / "results")


def test_without_results_the_page_says_what_to_do(tmp_path, capsys):
    assert page.main(ROOT / "claims.yaml", tmp_path, tmp_path / "RESULTS.md") == 0
    assert "make reproduce" in (tmp_path / "RESULTS.md").read_text()
    assert "no results yet" in capsys.readouterr().out


def test_the_whole_ledger_renders_where_nothing_was_run(tmp_path):
    text = render(["paper"], ROOT / "claims.yaml", tmp_path)
    assert text.count("no table2.json") > 30
    assert "differs**" not in text.split("## Summary")[1]


def test_the_figures_of_a_passage_follow_its_table(root, monkeypatch):
    for name in ("table2_errors", "table2_cdf", "fig04_outputs"):
        picture = root / "figures" / "quick" / f"{name}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.touch()
    monkeypatch.setattr(page, "ROOT", root)
    text = render(["quick"], root / "claims.yaml", root / "results")
    assert "![Table II, profile quick](figures/quick/table2_cdf.png)" in text.split("#### Table II")[1].split("####")[0]
    assert page.figures("Section II.B", "quick") == [] and "Beyond the papers" not in text
    assert text.count("![") == 3 and "![Figure 4, profile quick](figures/quick/fig04_outputs.png)" in text


def test_figures_of_the_second_paper_and_beyond_the_papers_are_shown(root, monkeypatch):
    pictures = root / "figures" / "quick"
    pictures.mkdir(parents=True, exist_ok=True)
    for name in ("emitters_table1", "emitters_fig2_sample", "emitters_sweep", "table1_other"):
        (pictures / f"{name}.png").touch()
    monkeypatch.setattr(page, "ROOT", root)
    assert page.figures("Emitters Table I", "quick") == ["figures/quick/emitters_table1.png"]
    assert page.figures("Emitters Figure 2", "quick") == ["figures/quick/emitters_fig2_sample.png"]
    assert page.figures("Table I", "quick") == ["figures/quick/table1_other.png"]
    assert "Beyond the papers" not in render(["quick"], root / "claims.yaml", root / "results")    # no records
    records = [{"n_sensors": 16, "n_max": 3, "cmr": 0.53, "ci95_cmr": [0.51, 0.55], "rmse_fraction": None,
                "rmse_fraction_reason": "none found", "fa": 0.1, "mr": 0.2}]
    results.write("quick", "emitters_sweep", records, {"source": "simulated"}, {}, root / "results")
    shown = render(["quick"], root / "claims.yaml", root / "results").split("### Beyond the papers")[1]
    assert shown.count("![") == 1 and "(figures/quick/emitters_sweep.png)" in shown
    assert "[emitters_sweep.json](results/quick/emitters_sweep.json)" in shown
    assert "| 16 | 3 | 0.53 [0.51, 0.55] |  | 0.1 | 0.2 |" in shown
    assert "- `quick/emitters_sweep.json`: source simulated" in shown


def test_figures_beyond_the_papers_name_notebooks_that_draw_them():
    for shown in page.BEYOND:
        made = (ROOT / "notebooks" / f"{shown.notebook}.ipynb").read_text().replace("\\", "")
        assert f'"{shown.stem}.png' in made and f'"{shown.file}"' in made


def test_the_tables_beyond_the_papers_show_fields_that_are_there():
    for shown in page.BEYOND:
        records = results.read("quick", shown.file)["records"]
        assert set(shown.columns.values()) <= {field for record in records for field in record}, shown.stem
