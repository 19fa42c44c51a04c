"""RESULTS.md: two screens that say what was claimed, what was found, and what differs, from the records alone."""

import re

import pytest
import small_ledger

from rsslib.ledger import claims, results, summary
from rsslib.ledger.verdicts import judge
from rsslib.project import ROOT, InputError


def render(root, *profiles):
    of_claims = claims.load(root / "claims.yaml")
    return summary.render({one: judge(of_claims, one, root / "results") for one in profiles or ("quick",)}, root)


@pytest.fixture
def root(tmp_path):
    small_ledger.draw(tmp_path, "table2_errors", Title="EMD leads", Description="Errors of two losses")
    return small_ledger.write(tmp_path)


def test_the_page_has_claims_findings_tables_and_causes(root):
    text = render(root)
    assert ("| EMD is ahead of CoM | EMD − CoM: Grid2 −40 m [−60, −20]; July→Nov −110 m [−150, −80] "
            "| **settled: holds** | quick | [02](notebooks/02_loss_comparison.ipynb) |") in text
    assert ("| There are three rows | nothing was run | **not tested** | quick | [01](notebooks/01_data_prep.ipynb) |"
            in text)
    assert "A Paper. Neighbours in time." in text
    assert "| EMD | 277.5 → 300.0 [290.0, 310.0] ✓ |" in text
    assert "\n## What differs, by presumed cause\n\nOf 2 orderings: 2 settled to hold" in text
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Results", "## Paper 1: what it claims, and what we found", "## Paper 2: what it claims, and what we found",
        "## The printed tables", "## What differs, by presumed cause"]


def test_the_first_line_counts_what_is_settled(root):
    assert ("**Of 2 central claims, 1 are settled to hold, 0 are settled not to hold, and 1 are undecided or not "
            "tested.**") in render(root)


def test_what_the_fuller_profile_has_comes_first(root):
    small_ledger.write(root, "full", pairs={"grid2": (-9.0, [-12.0, 5.0])}, medians={
        (loss, "grid2"): value for loss, value in (("com", 309.0), ("emd", 300.0))})
    text = render(root, "quick", "full")
    assert "Grid2 (full) −9 m [−12, +5]; July→Nov (quick) −110 m [−150, −80] | **undecided** | full, quick |" in text
    assert "| EMD | 277.5 → 300.0 [290.0, 310.0] ✓ | 116.5 → 140.0 [130.0, 150.0] ≈ (quick) |" in text
    assert "- Profile `full`: real measurements" in text
    assert "a cell marked (quick) is of that profile, the rest of `full`" in text


def test_an_ordering_that_turns_is_listed_under_its_cause(root):
    small_ledger.write(root, pairs=small_ledger.PAIRS | {"grid2": (30.0, [10.0, 50.0])})
    text = render(root)
    assert "Grid2 +30 m [+10, +50]" in text and "| **settled: does not hold** |" in text
    assert "- **A short schedule** (2). Settled not to hold: [EMD below CoM, Grid2](LEDGER.md#order-grid2). " in text


def test_a_difference_without_a_cause_shows(root):
    content = (root / "claims.yaml").read_text(encoding="utf-8").replace("cause: {quick: schedule}, why", "why")
    (root / "claims.yaml").write_text(content, encoding="utf-8")
    assert "- **No cause recorded** (1). " in render(root)


def test_executed_notebooks_are_linked_where_they_are(root):
    for name in ("docs/executed/quick/02_loss_comparison.ipynb", "notebooks/01_data_prep.ipynb",
                 "notebooks/02_loss_comparison.ipynb"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    text = render(root)
    assert "| **settled: holds** | quick | [02](docs/executed/quick/02_loss_comparison.ipynb) |" in text
    assert ("number is made: [01](notebooks/01_data_prep.ipynb), "
            "[02](docs/executed/quick/02_loss_comparison.ipynb)") in text


def test_the_findings_for_the_readme_follow_the_records(root):
    counted, central, rows = summary.findings(root)
    assert counted == ("- **Of 2 central claims, 1 are settled to hold, 0 are settled not to hold, and 1 are undecided "
                       "or not tested.**")
    assert central == ("- **The central claim.** EMD is ahead of CoM: **settled: holds** "
                       "(EMD − CoM: Grid2 −40 m [−60, −20]; July→Nov −110 m [−150, −80]).")
    assert rows == "- **The rows.** There are three rows: **not tested** (nothing was run)."
    small_ledger.write(root, pairs=small_ledger.PAIRS | {"grid2": (-40.0, [-60.0, 1.0])})
    assert ("EMD is ahead of CoM: **undecided**. settled: holds on July→Nov (EMD − CoM: −110 m [−150, −80]); undecided "
            "on Grid2.") in summary.findings(root)[1]


def test_the_last_finding_counts_where_our_own_method_is_ahead_and_behind(root):
    ends = {"network": [[-20, -10], [-5, 5]], "maps": [[3, 9], [-4, -1]], "calibrated": [[-9, -1]]}
    pairs = [{"left_method": method, "right_method": "emd", "ci95_median_m": one}
             for method, some in ends.items() for one in some]
    pairs += [{"left_method": "network", "right_method": "maps", "ci95_median_m": one} for one in ([1, 2], [-2, 1])]
    results.write("full", "beyond_pairs", pairs, {}, {}, root / "results")
    assert summary.findings(root)[-1] == (
        "- **Our own method**, no claim of the papers, some of it chosen with these test sets in sight "
        "([what](docs/deviations.md)). Networks that learn from radio maps err less than our EMD in 1 "
        "of 2 sets, more in 0. Radio maps alone err less than our EMD in 1 of 2 sets, more in 1. The networks err less "
        "than the maps alone in 0 of 2 sets, more in 1 (notebook 09).")


def test_a_finding_that_is_not_there_is_named(root):
    path = root / "claims.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("[emd-over-com]", "[emd-first]"), encoding="utf-8")
    with pytest.raises(InputError, match="no headline and no ranking 'emd-first'"):
        summary.findings(root)


def test_a_readme_takes_the_findings_between_its_markers_alone():
    text = "# A\n<!-- findings -->\n- old \\1\n<!-- /findings -->\nrest\n"
    assert summary.readme(text, ["- new \\1", "- two"]) == (
        "# A\n<!-- findings -->\n- new \\1\n- two\n<!-- /findings -->\nrest\n")
    assert summary.readme(summary.readme(text, ["- x"]), ["- new \\1", "- two"]) == summary.readme(
        text, ["- new \\1", "- two"])
    assert summary.readme("no markers\n", ["- new"]) == "no markers\n"


OPEN, CLOSE = "<!-- findings -->", "<!-- /findings -->"


@pytest.mark.parametrize("marks", [[OPEN], [CLOSE], [CLOSE, OPEN], [OPEN, OPEN, CLOSE], [OPEN, CLOSE, CLOSE],
                                   [OPEN, CLOSE, OPEN, CLOSE]])
def test_markers_that_are_not_one_pair_are_refused(marks):
    with pytest.raises(InputError, match="must each stand there once"):
        summary.readme("\ntext\n".join(marks), ["- new"])


def test_the_page_of_the_project_is_that_of_its_records_and_fits_on_two_screens():
    text, ledger = render(ROOT, "full", "quick"), (ROOT / "LEDGER.md").read_text(encoding="utf-8")
    assert (ROOT / "RESULTS.md").read_text(encoding="utf-8") == text, "run `make results`"
    assert len(text.splitlines()) <= 150
    assert "![" not in text
    targets = set(re.findall(r"LEDGER\.md#([\w-]+)", text))
    assert targets and targets <= set(re.findall(r'<a id="([\w-]+)">', ledger))


def test_six_lines_say_what_was_found():
    lines = summary.findings()
    assert len(lines) == 6 and all(line.startswith("- **") and "\n" not in line for line in lines)
    assert all(re.search(r"\*\*(settled: holds|settled: does not hold|undecided)\*\*|\d of \d+ (agree|hold|sets)", line)
               for line in lines[1:]) and lines[0].startswith("- **Of ")
    assert all(len(line.split()) <= 90 for line in lines)


def test_the_readme_of_the_project_has_the_findings_of_its_records():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text == summary.readme(text, summary.findings()), "run `make results`"
    assert all(line in text for line in summary.findings())


def test_one_unit_stands_for_a_length_in_the_page_of_paper_two():
    text = render(ROOT, "full", "quick").split("## Paper 2")[1].split("## What differs")[0]
    assert "pixels" not in text and "RMSE [1/128 of the side]" in text
