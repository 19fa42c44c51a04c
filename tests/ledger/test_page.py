"""LEDGER.md: a table per paper and passage, a count per profile, and where the records come from; the command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import small_ledger
import yaml

import rsslib
from rsslib.ledger import claims, page, results
from rsslib.ledger.verdicts import judge
from rsslib.project import ROOT, InputError


def render(root, *profiles):
    of_claims = claims.load(root / "claims.yaml")
    return page.render({profile: judge(of_claims, profile, root / "results") for profile in profiles}, root)


@pytest.mark.parametrize("tolerance, unit, text", [
    ({"relative": 0.25, "better": "lower"}, "m", "±25 %, lower is better"), ({"absolute": 0}, "", "exact"),
    ({"relative": 0, "better": "lower"}, "m", "at most as printed"), ({"absolute": 5}, "%", "±5 points"),
    ({"absolute": 0.5}, "km2", "±0.5 km2")])
def test_tolerances_in_words(tmp_path, tolerance, unit, text):
    entry = {"id": "a", "paper": "p", "where": "Table II", "statement": "s", "kind": "value", "printed": 1,
             "record": 1, "unit": unit, "tolerance": tolerance}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump({"papers": {"p": "A Paper"}, "claims": [entry]}))
    assert f"| {text} | **reproduced** |" in render(tmp_path, "quick")


@pytest.fixture
def root(tmp_path):
    for profile in ("campus", "smoke", "quick"):
        small_ledger.write(tmp_path, profile, pairs={"grid2": (-40.0, [-60.0, 1.0]), "july": (9.0, [5.0, 15.0])})
    return tmp_path


def test_rows_verdicts_and_provenance(root):
    text = render(root, "quick")
    link = "[02_loss_comparison](notebooks/02_loss_comparison.ipynb)"
    assert ('| <a id="t2-com-grid2"></a>Median \\| CoM, Grid2 | 334.0 m | 340.0 m [330.0, 350.0] | '
            f"±25 %, lower is better | **reproduced** | {link} |") in text
    assert "| **differs**: trained for too short |" in text
    assert ("| 277.5 < 334.0 m | 300.0 [290.0, 310.0] < 340.0 [330.0, 350.0] m; paired difference -40.0 [-60.0, 1] "
            "| ordering | **undecided**: To settle it, if it is as large as found: about 2 times as many blocks of "
            "time or samples, and networks. few samples |") in text
    assert "paired difference 9 [5, 15.0] | ordering | **settled: does not hold**: few samples |" in text
    assert "- `quick/table2.json`: source frs; doi 10.5281/zenodo.7259895; code hash 0123456789ab\n" in text
    assert "- `quick/table2_pairs.json`: " in text
    assert "| quick, paper 1 | 0 | 3 | 0 | 1 | 0 | 1 | 1 | 0 | 0 |" in text
    assert "| quick, paper 2 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 1 | 1 |" in text
    headings = [line for line in text.splitlines() if line.startswith("###")]
    assert headings == ["### A Paper", "#### Table II", "### Another", "#### Figure 4", "#### Table I",
                        "### Where these records come from"]


def test_what_is_not_judged_is_folded(root):
    before, folded = render(root, "quick").split("#### Figure 4")[1].split("<details>", 1)
    assert "|" not in before
    assert folded.startswith("<summary>1 not judged or not run</summary>\n\n| claim |")
    assert "Shapes |  |  | text | **not judged in this profile**: see fig04 |" in folded.split("</details>")[0]
    assert "**not run**: no table1.json" in folded


def test_the_pages_lead_with_quick_head_campus_clearly_and_omit_smoke(root, capsys):
    (root / "README.md").write_text("# A\n<!-- findings -->\n<!-- /findings -->\n")
    assert page.main(root) == 0
    ledger, shown = (root / "LEDGER.md").read_text(), (root / "RESULTS.md").read_text()
    assert ledger.index("## Profile `quick`") < ledger.index(
        "## Profile `campus`: synthetic campus: not comparable with the paper")
    assert "smoke" not in ledger + shown and "Profile `quick`" in shown
    assert ledger.count('<a id="t2-com-july">') == 1    # a link has one target
    assert "- **The central claim.** EMD is ahead of CoM: **settled: does not" in (root / "README.md").read_text()
    printed = capsys.readouterr().out
    assert ("quick: 3 reproduced, 1 differs, 1 settled: does not hold, 1 undecided, 1 not judged in this profile, "
            "1 not run") in printed
    page.main(root)
    assert (root / "LEDGER.md").read_text() == ledger and (root / "RESULTS.md").read_text() == shown


def test_a_difference_without_a_reason_is_printed(root, capsys):
    content = (root / "claims.yaml").read_text().replace("why: {quick: few samples}", "")
    (root / "claims.yaml").write_text(content)
    page.main(root)
    assert "quick, order-july: settled: does not hold: no reason recorded yet" in capsys.readouterr().out


def test_a_synthetic_campus_alone_is_shown_and_judged_nowhere(tmp_path):
    small_ledger.write(tmp_path, "campus")
    page.main(tmp_path)
    text = (tmp_path / "RESULTS.md").read_text()
    assert "Profile `campus`: synthetic campus: not comparable with the paper." in text
    assert "Grid2 −40 m [−60, −20]" in text and "| **not judged** |" in text and "**settled: holds** |" not in text


def test_the_findings_of_the_readme_are_left_alone_where_data_are_synthetic(tmp_path):
    small_ledger.write(tmp_path, "campus", pairs={})
    before = "# A\n<!-- findings -->\n- **Of real data.**\n<!-- /findings -->\n"
    (tmp_path / "README.md").write_text(before)
    page.main(tmp_path)
    assert (tmp_path / "README.md").read_text() == before


@pytest.mark.parametrize("name, content, message", [
    ("README.md", "caf\xe9".encode("latin-1"), "README.md: not UTF-8.*save it"),
    ("README.md", b"<!-- findings -->\n<!-- findings -->\n<!-- /findings -->\n", "README.md: the markers"),
    ("claims.yaml", b"papers: {p: caf\xe9}", "claims.yaml: not UTF-8 at byte 15"),
    ("results/quick/table2.json", b"[]", "table2.json: expected .*: run the stage"),
    ("results/quick/table2.json", b"null", "table2.json: expected .*: run the stage"),
    ("results/quick/table2.json", b'{"provenance": {}, "records": [1]}', "table2.json: records: record 0 is 1"),
    ("results/quick/table2.json", b'{"records": []}', "table2.json: expected .*: run the stage"),
    ("results/quick/table2.json", b'"\xe9"', "table2.json: not UTF-8 at byte 1; .*run the stage"),
    ("results/quick/table2.json", None, "table2.json: this is a folder"),
    ("results/quick/table2_pairs.json", b"{", "table2_pairs.json: broken"),
    ("figures/quick/x.png", b"no picture", "x.png: no PNG .*delete it")])
def test_a_wrong_file_is_named_and_nothing_is_written(root, name, content, message):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        page.main(root)
    assert not (root / "RESULTS.md").exists() and not (root / "LEDGER.md").exists()


def test_the_command_tells_bad_input_without_a_traceback(tmp_path):
    for name in ("dvc.yaml", "params.yaml", "claims.yaml"):
        (tmp_path / name).write_text("a: [")
    ran = subprocess.run([sys.executable, "-m", "rsslib.claims"], cwd=tmp_path, capture_output=True, text=True,
                         env=os.environ | {"PYTHONPATH": str(Path(rsslib.__file__).parents[1])})
    assert ran.returncode == 2 and ran.stderr.startswith("error: ") and "claims.yaml" in ran.stderr


def test_a_papers_note_is_under_its_heading_in_real_profiles_alone(root):
    text = render(root, "quick", "campus")
    assert text.count("### Another\n\nIts text has lost settings.") == 1 == text.count("Its text has lost settings.")
    with_notes = (root / "claims.yaml").read_text()
    (root / "claims.yaml").write_text(with_notes.replace("{q: Its text has lost settings.}", "[]"))
    with pytest.raises(InputError, match="`notes` is .*expected a mapping"):
        render(root, "quick")
    (root / "claims.yaml").write_text(with_notes.replace("{q: Its", "{r: Its"))
    with pytest.raises(InputError, match="`notes` has 'r'; its keys are those of `papers`"):
        render(root, "quick")


def test_without_results_the_pages_say_what_to_do(tmp_path, capsys):
    shutil.copy(ROOT / "claims.yaml", tmp_path)
    assert page.main(tmp_path) == 0
    for name in ("RESULTS.md", "LEDGER.md"):
        assert "make reproduce" in (tmp_path / name).read_text()
    assert "no results yet" in capsys.readouterr().out


def test_the_whole_ledger_renders_where_nothing_was_run(tmp_path):
    shutil.copy(ROOT / "claims.yaml", tmp_path)
    text = render(tmp_path, "full")
    assert text.count("no table2.json") > 30
    assert "differs**" not in text.split("## Summary")[1]


def test_the_figures_of_a_passage_follow_its_table_with_their_alternative_texts(root):
    small_ledger.draw(root, "table2_errors", Description="Median errors of two losses")
    small_ledger.draw(root, "emitters_table1", Description="of a passage without claims")
    text = render(root, "quick")
    after = text.split("#### Table II")[1].split("###")[0]
    assert after.strip().endswith("![Median errors of two losses](figures/quick/table2_errors.png)")
    assert "![of a passage without claims]" in text.split("### Beyond the papers")[1] and text.count("![") == 2


def test_figures_beyond_the_papers_are_shown_with_their_records(root):
    small_ledger.draw(root, "emitters_sweep", Description="Scores by sensors")
    small_ledger.draw(root, "a_new_one", Title="What is new", Description="A new figure")
    records = [{"n_sensors": 16, "n_max": 3, "cmr": 0.53, "ci95_cmr": [0.51, 0.55], "rmse_fraction": None,
                "rmse_fraction_reason": "none found", "fa": 0.1, "mr": 0.2}]
    results.write("quick", "emitters_sweep", records, {"source": "simulated"}, {}, root / "results")
    shown = render(root, "quick").split("### Beyond the papers")[1]
    assert "![Scores by sensors](figures/quick/emitters_sweep.png)" in shown
    assert "#### What is new\n\n![A new figure](figures/quick/a_new_one.png)" in shown
    assert "[emitters_sweep.json](results/quick/emitters_sweep.json)" in shown
    assert "| 16 | 3 | 0.53 [0.51, 0.55] |  | 0.1 | 0.2 |" in shown
    assert "- `quick/emitters_sweep.json`: source simulated" in shown


def test_a_table_without_a_figure_is_shown_where_its_records_were_made(root):
    made = [{"split": "grid2", "set": "ood", "method": "maps", "indicator": "entropy", "auroc": 0.25, "below_val10": 0}]
    for records, there in (([{"not_run": "not in this profile"}], False), (made, True)):
        results.write("quick", "maps_detection", records, {}, {}, root / "results")
        page.main(root)
        shown = (root / "LEDGER.md").read_text()
        assert ("telling samples out of distribution" in shown) == there
    assert "| grid2 | ood | maps | entropy | 0.25 | 0 |" in shown


@pytest.mark.parametrize("value", [[16], True])
def test_a_field_of_those_records_that_cannot_be_shown_is_named(root, value):
    small_ledger.draw(root, "emitters_sweep", Description="Scores by sensors")
    results.write("quick", "emitters_sweep", [{"n_sensors": value}], {}, {}, root / "results")
    with pytest.raises(InputError, match="quick/emitters_sweep.json: `n_sensors` is .*; expected a number or a text"):
        page.main(root)


def test_figures_beyond_the_papers_name_notebooks_that_draw_them():
    for shown in page.BEYOND:
        made = (ROOT / "notebooks" / f"{shown.notebook}.ipynb").read_text().replace("\\", "")
        assert (not shown.stem or f'"{shown.stem}.png' in made) and f'"{shown.file}"' in made


def test_the_tables_beyond_the_papers_show_fields_that_are_there():
    for shown in page.BEYOND:
        found = (results.read(profile, shown.file)["records"] for profile in ("full", "quick")
                 if results.path(profile, shown.file).is_file())
        records = next(records for records in found if "not_run" not in records[0])
        assert set(shown.columns.values()) <= {field for record in records for field in record}, shown.stem


def test_the_ledger_of_the_project_is_that_of_its_records():
    found = {profile: judge(claims.load(), profile) for profile in page.PROFILES
             if any((ROOT / "results" / profile).glob("*.json"))}
    assert (ROOT / "LEDGER.md").read_text(encoding="utf-8") == page.render(found), "run `make results`"
