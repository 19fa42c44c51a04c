"""Pictures: titles and alternative texts are those in the PNG files; each figure has its place."""

import zlib

import pytest
import small_ledger

from rsslib.ledger import pictures
from rsslib.project import ROOT, InputError


def test_title_and_alternative_text_are_read_from_the_file(tmp_path):
    small_ledger.draw(tmp_path, "fig07_roc", Title="Told apart: 84 % [82, 86]", Description="Curves of\nfour – “sure”")
    one, = pictures.of("quick", tmp_path)
    assert (one.title, one.passage) == ("Told apart: 84 % [82, 86]", "Figure 7")
    assert one.shown == "![Curves of four – “sure”](figures/quick/fig07_roc.png)"
    small_ledger.draw(tmp_path, "fig07_roc", Title="Another", Description="Other curves")
    assert pictures.of("quick", tmp_path)[0].alt == "Other curves"


def test_a_figure_that_says_nothing_is_called_by_its_name(tmp_path):
    small_ledger.draw(tmp_path, "fig07_roc")
    one, = pictures.of("quick", tmp_path)
    assert (one.title, one.alt) == ("fig07_roc", "Figure 7: fig07_roc, profile quick")


def test_figures_go_by_paper_and_name(tmp_path):
    for name in ("emitters_table1", "emitters_fig2_sample", "emitters_sweep", "table3_rates", "fig10_a", "fig02_a"):
        small_ledger.draw(tmp_path, name)
    assert [one.passage for one in pictures.of("quick", tmp_path)] == [
        "Figure 2", "Figure 10", "Table III", "Emitters Figure 2", "Emitters Table I", "Beyond the papers"]
    assert pictures.of("campus", tmp_path) == []


def test_the_sheet_shows_each_figure_with_its_title_text_and_pdfs(tmp_path):
    small_ledger.draw(tmp_path, "fig07_roc", Title="Told apart: 84 % [82, 86]", Description="Curves of four")
    for name in ("fig07_roc.pdf", "fig07_roc_column.pdf"):
        (tmp_path / "figures/quick" / name).touch()
    assert pictures.sheet(["full", "quick"], tmp_path).split("\n\n")[2:] == [
        "## Told apart: 84 % \\[82, 86\\]",
        "Paper 1, Figure 7. [PDF](../figures/quick/fig07_roc.pdf), [one column](../figures/quick/fig07_roc_column.pdf)",
        "![Curves of four](../figures/quick/fig07_roc.png)", "Curves of four\n"]


@pytest.mark.parametrize("content", ["text", "empty", "truncated", "folder", "huge", "damaged"])
def test_what_is_no_picture_is_named(tmp_path, content):
    path = small_ledger.draw(tmp_path, "fig07_roc", Title="A title", Description="A text")
    whole = path.read_bytes()
    path.unlink()
    path.mkdir() if content == "folder" else path.write_bytes(
        {"text": b"no picture", "empty": b"", "truncated": whole[:len(whole) // 2],
         "huge": whole[:16] + b"\x7f\xff\xff\xff" * 2 + whole[24:29] + zlib.crc32(
             whole[12:16] + b"\x7f\xff\xff\xff" * 2 + whole[24:29]).to_bytes(4, "big") + whole[33:],
         "damaged": whole.replace(b"A title", b"A tit1e")}[content])
    with pytest.raises(InputError, match="fig07_roc.png: no PNG that can be read .*; delete it and run its stage"):
        pictures.of("quick", tmp_path)


def test_the_sheet_of_the_project_is_that_of_its_figures():
    kept = (ROOT / "docs/figures.md").read_text(encoding="utf-8")
    assert kept == pictures.sheet(["full", "quick"]), "run `make results`"
    assert len(pictures.of("quick")) == len(list((ROOT / "figures/quick").glob("*.png"))) > 20
