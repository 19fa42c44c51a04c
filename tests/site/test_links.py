"""Links of pages: where a file of the project lies on the site, and what becomes of links to nothing."""

import pytest

from rsslib.site.links import rewritten, target

THERE = {"index.md", "results.md", "ledger.md", "docs/data.md", "notebooks/full/02_loss_comparison.ipynb",
         "figures/full/fits.png", "records/full/fig07.json"}


@pytest.mark.parametrize(("given", "expected"), [
    ("[a](docs/data.md#b)", "[a](docs/data.md#b)"), ("[a](LEDGER.md#fig-1)", "[a](ledger.md#fig-1)"),
    ("[02](docs/executed/full/02_loss_comparison.ipynb)", "[02](notebooks/full/02_loss_comparison.ipynb)"),
    ("[x](results/full/fig07.json)", "[x](records/full/fig07.json)"), ("[p](params.yaml)", "p"),
    ("![alt](figures/full/fits.png)", "![alt](figures/full/fits.png)"),
    ("[z](https://doi.org/10.5281/zenodo.7259895)", "[z](https://doi.org/10.5281/zenodo.7259895)"),
    ("−7 m [−31, +17] (needs < 3)", "−7 m [−31, +17] (needs < 3)")])
def test_a_link_of_the_root_is_one_of_the_site(given, expected):
    assert rewritten(given, ["."], "index.md", THERE) == expected


def test_a_page_in_a_folder_reaches_the_others():
    given = "[r](../RESULTS.md), ![a](../figures/full/fits.png), [d](data.md)"
    text = rewritten(given, ["docs"], "docs/data.md", THERE)
    assert text == "[r](../results.md), ![a](../figures/full/fits.png), [d](data.md)"


def test_other_files_keep_their_places():
    assert target("docs/doors.md") == "docs/doors.md" and target("README.md") == "index.md"


def test_a_notebook_leads_to_its_own_profile_and_to_another_where_it_has_none():
    there = {"notebooks/full/02.ipynb", "notebooks/quick/02.ipynb", "notebooks/quick/01.ipynb", "docs/data.md"}
    text = rewritten("[a](02.ipynb), [b](01.ipynb), [c](08.ipynb), [d](../../data.md)",
                     ["docs/executed/full", "docs/executed/quick"], "notebooks/full/03.ipynb", there)
    assert text == "[a](02.ipynb), [b](../quick/01.ipynb), c, [d](../../docs/data.md)"
