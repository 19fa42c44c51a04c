"""The site: links resolve; in a browser nothing leaves, nothing fails, nothing is too wide, axe finds no fault."""

import json
import re
import shutil
from html.parser import HTMLParser
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from rsslib.data import download, splits
from rsslib.localization import predictions
from rsslib.project import ROOT
from rsslib.radio_maps import regions
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.recipe import MapRecipe
from rsslib.site import build

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync"]
WIDTHS = 400, 1200
ASKED = {"resultTypes": ["violations"]}    # of what passes axe need not tell each element
pytestmark = pytest.mark.filterwarnings("default")    # of Sphinx's and playwright's own
in_a_browser = pytest.mark.skipif(not (CHROMIUM and find_spec("playwright") and find_spec("axe_playwright_python")),
                                  reason="no chromium, or no playwright: `pip install -e '.[test]'`, and chromium")


class Page(HTMLParser):
    """The links, ids and images of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.ids, self.alts = [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids |= {given[key] for key in ("id", "name") if given.get(key)}
        wanted = {"a": "href", "link": "href", "script": "src", "img": "src"}.get(tag)
        if given.get(wanted):
            self.links.append(given[wanted])
        if tag == "img":
            self.alts.append(given.get("alt", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    return build.build(ROOT, folder / "source", folder / "site").parent


@pytest.fixture(scope="module")
def pages(site):
    return {path.relative_to(site).as_posix(): Page(path) for path in sorted(site.rglob("*.html"))
            if path.parent.name != "_static"}


def _data(site):
    """The data of the explorer, which a site has where the measurements could be had."""
    return sorted((site / "_static" / "explorer").glob("*.js"))


def _of_each_kind(pages):
    """The pages that differ in kind: of the API, the sources and the notebooks a few stand for all."""
    many = {"_modules/": 1, "api/rsslib": 1, "notebooks/full/": 1, "notebooks/quick/": 1}
    kinds = {name: next((start for start in many if name.startswith(start)), name) for name in pages}
    return [name for name in kinds if name in kinds.values() or [
        other for other, kind in kinds.items() if kind == kinds[name]].index(name) < many[kinds[name]]]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(site, browser):
    """Return a function: a page and a width to the open page, its console errors and the requests that left."""
    contexts = []

    def opened(name, width=1200):
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
        contexts.append(context)
        page, wrong = context.new_page(), []
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(
            ("file://", "data:", "blob:")) else None)
        page.goto(f"file://{site}/{name}")
        return page, wrong
    yield opened
    for context in contexts:
        context.close()


def test_every_link_of_every_page_resolves(site, pages):
    broken, count = [], 0
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto", "data"):
                continue
            count += 1
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                broken.append((name, link))
            elif parts.fragment and target.suffix == ".html" and target.name != "explorer.html":    # it names samples
                other = pages[target.resolve().relative_to(site.resolve()).as_posix()]
                if unquote(parts.fragment) not in other.ids:
                    broken.append((name, link))
    print(f"{len(pages)} pages, {count} links")
    assert broken == [] and count > 1000


def test_every_figure_says_what_it_shows(pages):
    alts = {name: page.alts for name, page in pages.items() if page.alts}
    assert sum(map(len, alts.values())) > 60
    # where there is none, Sphinx writes the name of the file
    assert {(name, alt) for name, found in alts.items() for alt in found
            if not alt.strip() or alt.endswith((".png", ".svg"))} == set()


def test_the_site_is_small_and_loads_nothing_from_outside(site, pages):
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 40e6
    loaded = re.compile(r"""<(?:script|img|link|iframe)[^>]*(?:src|href)=["'](https?:[^"']+)""")
    outside = [(name, link) for name in pages for link in loaded.findall((site / name).read_text(encoding="utf-8"))]
    assert outside == []


def test_each_paper_shows_its_claims_with_record_and_notebook(site):
    for name in ("paper1.html", "paper2.html"):
        text = (site / name).read_text(encoding="utf-8")
        assert text.count(".json") > 20 and "notebook" in text


@in_a_browser
def test_no_page_is_too_wide_fails_asks_the_network_or_has_a_serious_fault_for_axe(site, pages, opened):
    from axe_playwright_python.sync_playwright import Axe

    faults = {}
    for name in (name for name in _of_each_kind(pages) if name != "explorer.html" or _data(site)):
        page, wrong = opened(name, WIDTHS[0])
        page.wait_for_load_state("load")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if (over := page.evaluate("document.documentElement.scrollWidth - window.innerWidth")) > 1:
                wrong.append(f"{over} px too wide at {width}")
        wrong = [*wrong]    # without what axe asks for itself
        found = Axe().run(page, options=ASKED).response["violations"]
        wrong += [(one["id"], one["nodes"][0]["html"][:120]) for one in found
                  if one["impact"] in ("serious", "critical")]
        if wrong:
            faults[name] = wrong
        page.close()
    assert faults == {}


@in_a_browser
@pytest.mark.skipif(not download.available(), reason="no measurements")
@pytest.mark.parametrize("split", ["grid2", "random"])
def test_the_explorer_says_what_the_predictions_say(opened, split):
    files = {"emd": f"trained/{split}-emd/predictions.nc", "maps": f"maps/{split}/maps.nc",
             "network": f"maps/{split}/network-0.nc"}
    name = "ood" if split == "grid2" else "test"
    models = {method: predictions.of_set(predictions.load(ROOT / "results/quick" / path), name)
              for method, path in files.items()}
    numbers = models["maps"].measurement.values
    for number in numbers[[0, len(numbers) // 2, -1]]:
        page, wrong = opened(f"explorer.html#{split}/{number}")
        page.wait_for_function("document.getElementById('explorer').dataset.ready")
        assert f"Sample {number} of" in page.inner_text("#ex-caption")
        for method, model in models.items():
            error = float(predictions.errors(model)[model.measurement.values == number][0])
            shown = page.inner_text(f'#ex-table tr[data-method="{method}"] td')
            assert abs(int(shown.removesuffix(" m")) - error) <= 0.51
        assert wrong == []


@in_a_browser
def test_the_explorers_regions_are_those_of_the_maps(opened, frs):
    folder, sets = ROOT / "results/quick/maps/grid2", splits.make(frs, "grid2")
    maps = RadioMaps(MapRecipe(pixel_m=float(predictions.load(folder / "maps.nc").attrs["pixel_m"])))
    maps.fit(frs, sets["train"])
    covered = json.loads((folder / "facts.json").read_text())["covered"]
    thresholds = {one["level"]: one["threshold"] for one in covered if (one["method"], one["set"], one["promise"]) == (
        "maps", "ood", "unseen cells")}
    page, wrong = opened("explorer.html")
    page.wait_for_function("document.getElementById('explorer').dataset.ready")
    for number in sets["ood"][[0, len(sets["ood"]) // 2, -1]]:
        page.fill("#ex-number", str(number))
        page.press("#ex-number", "Enter")
        (logs,) = maps.log_posterior(frs, [number])
        scores = regions.pixel_scores(logs.exp())[0].numpy()
        shown = dict(re.findall(r"(\d+) %: ([\d.]+) km²", page.inner_text("#ex-areas")))
        assert {level: shown[f"{100 * level:.0f}"] for level in (0.5, 0.9)} == {
            level: f"{(scores <= thresholds[level]).sum() * (maps.fitted().grid.pixel_m / 1000) ** 2:.2f}"
            for level in (0.5, 0.9)}
    assert page.locator("#ex-marks > path").count() == 2 + 2 * 3    # regions of two levels, crosses of three methods
    page.uncheck("#ex-regions")
    assert page.locator("#ex-marks > path").count() == 2 * 3 and wrong == []


@in_a_browser
@pytest.mark.skipif(not download.available(), reason="no measurements")
def test_the_explorer_answers_keys_clicks_and_orders(opened):
    page, wrong = opened("explorer.html")
    page.wait_for_function("document.getElementById('explorer').dataset.ready")
    before = page.input_value("#ex-number")
    page.focus("#ex-map")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#ex-number") != before and page.url.endswith(f"#grid2/{page.input_value('#ex-number')}")
    page.select_option("#ex-order", "maps")
    assert "1 of" in page.inner_text("#ex-caption")
    least = page.inner_text('#ex-table tr[data-method="maps"] td:last-child')
    assert least == "no"    # the least sure of samples out of distribution is below validation's 10th percentile
    before = page.input_value("#ex-number")
    page.click("#ex-map", position={"x": 100, "y": 100})
    assert page.input_value("#ex-number") != before
    answered = page.get_attribute("#explorer", "data-answered")
    page.fill("#ex-number", "999999")
    page.press("#ex-number", "Enter")
    assert "not among the test samples" in page.inner_text("#ex-caption")
    print(f"ready after {page.get_attribute('#explorer', 'data-ready')} ms, a click answered in {answered} ms")
    assert wrong == []


@in_a_browser
def test_the_ledger_filters(opened, pages):
    page, _ = opened("ledger.html")
    whole = page.inner_text("#ledger-count")
    page.select_option("#ledger-paper", "2")
    page.fill("#ledger-words", "logits")
    shown, total = re.fullmatch(r"(\d+) of (\d+) claims", page.inner_text("#ledger-count")).groups()
    assert 0 < int(shown) < int(total) and whole == f"{total} of {total} claims"
    assert page.locator("#ledger tbody tr:visible").count() == int(shown)


def test_the_explorers_data_are_small(site):
    found = _data(site)
    assert len(found) == 2 or not download.available()
    assert all(path.stat().st_size < 5e6 for path in found)
    for path in found:
        told = json.loads(re.search(r"\]=(\{.*\});", path.read_text(encoding="utf-8"))[1])
        assert np.isfinite(told["methods"]["emd"]["threshold"]) and len(told["receivers"]) > 5


def test_a_site_needs_records(tmp_path):
    shutil.copy2(ROOT / "claims.yaml", tmp_path)
    with pytest.raises(build.InputError, match="no records in results/"):
        build.gather(tmp_path, tmp_path / "source")
