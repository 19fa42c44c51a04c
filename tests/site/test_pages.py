"""Pages made from records: nothing is left out, and what is counted agrees with the records."""

import re

import pytest

from rsslib.project import ROOT
from rsslib.site import beyond, pages


@pytest.fixture(scope="module")
def evidence():
    return pages.Evidence(ROOT)


def test_the_front_page_counts_the_verdicts_that_it_lists(evidence):
    text = pages.front(evidence)
    listed = re.findall(r"\| \*\*(settled: holds|settled: does not hold|[a-z ]+)\*\* \|", text)
    counted = re.search(r"Of (\d+) central claims \*\*(\d+)\*\* are settled to hold, \*\*(\d+)\*\*", text).groups()
    assert [int(number) for number in counted] == [len(listed), listed.count("settled: holds"),
                                                   listed.count("settled: does not hold")]
    assert len(listed) == len(evidence.headlines) > 20


def test_the_ledger_has_every_claim_once(evidence):
    rows = re.findall(r'<tr id="([^"]+)"', pages.ledger(evidence))
    assert rows == [one.claim.id for one in evidence.best] and len(set(rows)) == len(rows)


@pytest.mark.parametrize("which", [0, 1])
def test_a_papers_page_has_its_tables_and_figures_in_order_and_all_its_claims(evidence, which):
    text = pages.paper(evidence, which)
    heads = re.findall(r"^## (.*)$", text, re.MULTILINE)[1:]
    numbered = [head for head in heads if re.search(r"(Table|Figure) \w+$", head)]
    assert heads[:len(numbered)] == numbered and heads[len(numbered):] and "Table I" in numbered[0]
    assert [head for head in numbered if "Figure" in head] == sorted(
        (head for head in numbered if "Figure" in head), key=lambda head: int(head.split()[-1]))
    own = [one for one in evidence.best if one.claim.paper == evidence.papers[which]]
    assert all(" ".join(one.claim.statement.replace("|", "\\|").split()) in text for one in own)


def test_our_own_page_names_the_sets_with_the_largest_errors(evidence):
    text = beyond.own(evidence)
    rows = evidence_rows(evidence)
    worst = max(rows, key=lambda one: one["median_m"])
    assert f"{worst['median_m']:.0f} (" in text and "#grid2/worst" in text


def test_each_figure_of_our_own_page_has_its_own_heading(evidence):
    text = beyond.own(evidence)
    heads = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert len(set(heads)) == len(heads) == text.count(":::{dropdown}") > 7
    assert {"A made-up town: where its transmitters are put", "Figure 11 with the maps as the fallback"} <= {*heads}


def evidence_rows(evidence):
    records = pages.Records("full", evidence.root / "results").read("beyond")["records"]
    return [one for one in records if one["method"] == "network" and one["set"] != "val"]


def test_what_made_a_number_is_there(evidence):
    text = pages.paper(evidence, 0)
    for path in set(re.findall(r"\]\(((?:docs/executed|results)/[^)]+)\)", text)):
        assert (ROOT / path).is_file()
    assert re.search(r"at `[0-9a-f]{7}`", text)
