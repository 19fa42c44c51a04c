"""Matrices: each number of the papers' tables stands in its cell, as it is printed, with ours and a mark."""

import re

import pytest
import small_ledger
import yaml

from rsslib.ledger import claims, matrices
from rsslib.ledger.verdicts import judge
from rsslib.project import ROOT


def test_a_table_as_it_is_printed(tmp_path):
    small_ledger.write(tmp_path, medians=small_ledger.MEDIANS | {("emd", "grid2"): 340.0})
    text, = matrices.render(judge(claims.load(tmp_path / "claims.yaml"), "quick", tmp_path / "results"))
    assert text.splitlines() == [
        "**Paper 1, Table II**", "", "| loss | Grid2 [m] | July→Nov [m] |", "| --- | --- | --- |",
        "| CoM | 334.0 → 340.0 [330.0, 350.0] ✓ | 149.7 → 250.0 [240.0, 260.0] ✗ |",
        "| EMD | 277.5 → 340.0 [330.0, 350.0] ≈ | 116.5 → 140.0 [130.0, 150.0] ≈ |"]


def test_what_was_not_run_or_not_judged_has_no_mark_of_success(tmp_path):
    small_ledger.write(tmp_path, "campus")
    of_claims = claims.load(tmp_path / "claims.yaml")
    assert "334.0 → 340.0 [330.0, 350.0] ·" in matrices.render(judge(of_claims, "campus", tmp_path / "results"))[0]
    assert "334.0 → not run ·" in matrices.render(judge(of_claims, "full", tmp_path / "results"))[0]


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_every_printed_number_stands_in_a_matrix(profile):
    tables = yaml.safe_load((ROOT / "claims.yaml").read_text(encoding="utf-8"))["tables"]
    printed = [number for text in tables.values() for line in text.splitlines()[1:] for number in line.split()[1:]]
    text = "\n".join(matrices.render(judge(claims.load(), profile)))
    shown = re.findall(r"\| ([\d.]+) → (?=.*?[✓✗≈·] \|)", text)
    assert sorted(shown) == sorted(number.split("/")[0] for number in printed)
    assert re.findall(r"\*\*(.*)\*\*", text) == [
        *(f"Paper 1, Table {number}" for number in ("I", "II", "III", "IV")), "Paper 2, Table I"]
    assert "|  |" not in text    # no empty cell


def test_a_share_printed_in_pixels_is_shown_in_pixels():
    verdict, = [one for one in judge(claims.load(), "quick") if one.claim.id == "e1-free-single-rmse"]
    shown = matrices.text(verdict)
    assert shown.startswith("18.22 → ") and float(shown.split()[2]) == pytest.approx(128 * verdict.value, abs=0.05)
