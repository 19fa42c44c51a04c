"""What a stranger meets: README, docs, RESULTS.md and the executed notebooks agree with the project and with a run."""

import base64
import hashlib
import json
import re
import shutil
import struct
import tempfile
from functools import cache
from pathlib import Path

import nbformat
import pytest
import yaml
from matplotlib.image import imread
from PIL import Image

from rsslib import sources
from rsslib.data import measurements
from rsslib.ledger import provenance, summary
from rsslib.localization import kept_images, predictions
from rsslib.project import ROOT
from rsslib.workflow import paper

PAGES = [ROOT / name for name in ("README.md", "RESULTS.md", "LEDGER.md")] + sorted((ROOT / "docs").glob("*.md"))
EXECUTED = [path for profile in ("full", "quick")
            for path in sorted((ROOT / "docs/executed" / profile).glob("*.ipynb"))]
SOURCES = {path.name: path for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
RECORDS = [path for profile in ("full", "quick") for path in sorted((ROOT / "results" / profile).glob("*.json"))
           if ".stamp." not in path.name]
TRAINED = sorted(path for path in (ROOT / "results").glob("*/trained/*") if path.is_dir())
OPTIONAL = {"08_ray_traced_city.ipynb"}    # needs Sionna RT, which no command of the project installs
FIGURES = sorted((ROOT / "figures").glob("*/*.png"))
MOST_MB, MOST_TRAINED_MB = 12, 48


@pytest.mark.parametrize("name, most", [("README.md", 120), ("RESULTS.md", 150)])
def test_the_first_pages_are_short(name, most):
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= most


def test_the_findings_of_the_readme_are_those_of_the_records():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == summary.readme(readme, summary.findings()), "run `make results`"
    assert readme.count("- **", readme.index("<!-- findings -->"), readme.index("<!-- /findings -->")) == 6


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    inner = [link for link in links if not link.startswith(("http://", "https://", "mailto:"))]
    assert [link for link in inner if not (page.parent / link).exists()] == []


def test_the_code_for_measurements_of_ones_own_runs_as_written(campus, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    measurements.save(campus, tmp_path / "my_measurements.nc")
    for name in ("readings.csv", "sensors.csv", "new.csv"):
        shutil.copy(ROOT / "examples/town" / name, tmp_path)
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs/your_measurements.md").read_text(), re.DOTALL):
        exec(block.replace("epochs=28", "epochs=1"), names)
    tested, *numbers = capsys.readouterr().out.splitlines()
    first, of_maps, area, second = map(float, numbers)
    assert "SelfTest(samples=" in tested and (tmp_path / "scratch/model/header.json").is_file()
    assert all(0 < metres < 5000 for metres in (first, of_maps, second)) and area > 0
    assert (tmp_path / "scratch/mine").is_dir()


LOCK = yaml.load((ROOT / "dvc.lock").read_text(encoding="utf-8"), yaml.CSafeLoader)["stages"]
MADE = {out["path"]: out["md5"] for stage in LOCK.values() for out in stage["outs"]
        if out["path"].startswith(("results/", "figures/", "docs/executed/")) and (ROOT / out["path"]).is_file()}


@pytest.mark.parametrize("folder", ["results/full", "results/quick", "results/smoke", "figures/full", "figures/quick",
                                    "docs/executed/full", "docs/executed/quick"])
def test_what_is_kept_of_a_run_is_what_the_run_made(folder):
    made = {path: md5 for path, md5 in MADE.items() if path.startswith(f"{folder}/")}
    kept = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).iterdir()
            if ".stamp." not in path.name and path.is_file()}
    assert kept == set(made) and len(made) > 3
    changed = [path for path, md5 in made.items() if hashlib.md5((ROOT / path).read_bytes()).hexdigest() != md5]
    assert changed == [], "changed by hand, or not kept with its dvc.lock"


GRIDS = [training.outputs().parent for training in paper.order("quick")]


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.name)
def test_what_quick_keeps_without_a_stage_says_how_it_was_made(path):
    stamp = json.loads(path.with_name(f"{path.name}.stamp.json").read_text(encoding="utf-8"))
    made = predictions.load(path / "predictions.nc")
    assert f"{made.attrs['split']}-{made.attrs['loss']}" == path.name and re.fullmatch("[0-9a-f]{12}", stamp["code"])
    assert stamp["device"] == "cpu" and stamp["parameters"].items() >= {
        name: made.attrs[name] for name in ("split", "loss", "epochs", "members", "network")}.items()


@pytest.mark.parametrize("path", [path for path in TRAINED if path.parts[-3] == "quick" and path not in GRIDS],
                         ids=lambda path: path.name)
def test_what_is_kept_of_a_training_is_what_it_left(path):
    """As DVC does: the md5 of the list of a folder's files and theirs."""
    files = [{"md5": hashlib.md5(one.read_bytes()).hexdigest(), "relpath": one.name} for one in sorted(path.iterdir())]
    kept = f"{hashlib.md5(json.dumps(files, sort_keys=True).encode()).hexdigest()}.dir"
    made, = [out["md5"] for stage in LOCK.values() for out in stage["outs"] if out["path"] == path.relative_to(
        ROOT).as_posix()]
    assert made == kept


@pytest.mark.parametrize("path", [path for path in TRAINED if path.parts[-3] == "full"], ids=lambda path: path.name)
def test_what_a_gpu_trained_says_how_and_can_be_read(path):
    stamp = json.loads(path.with_name(f"{path.name}.stamp.json").read_text(encoding="utf-8"))
    made, members = predictions.load(path / "predictions.nc"), stamp["parameters"]["members"]
    assert made.sizes["member"] == members == 5 and made.attrs["network"] == "unet" and stamp["device"]
    assert re.fullmatch("[0-9a-f]{12}", stamp["code"]) and f"{made.attrs['split']}-{made.attrs['loss']}" == path.name
    ensemble = [number for number, row in enumerate(made.drawn.values) if len(set(row)) == members]
    assert abs(made.max_mean_of_draw[:, ensemble[0]] - made.max_mean_prediction).max() < 2e-5
    assert kept_images.load(path / "images.nc") and json.loads((path / "history.json").read_text())["epochs"]


def test_what_is_kept_of_trainings_is_small():
    kept = [path for profile in ("full", "quick") for kind in ("trained", "emitters", "maps")
            for path in (ROOT / "results" / profile / kind).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) < MOST_TRAINED_MB * 10**6


@cache
def code_hash(notebook):
    return sources.digest(*(ROOT / name for name in provenance.upstream(notebook)))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_records_are_of_this_code(path):
    makers = [stage["cmd"].split()[3] for stage in LOCK.values()
              if path.relative_to(ROOT).as_posix() in {out["path"] for out in stage["outs"]}]
    made_with = json.loads(path.read_text(encoding="utf-8"))["provenance"]["code_hash"]
    assert made_with == code_hash(makers[0]), "run `make reproduce`"


def code_and_text(path):
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if "injected-parameters" not in cell.metadata.get("tags", [])]


def test_every_notebook_of_the_chain_is_there_executed():
    there = {profile: {path.name for path in EXECUTED if path.parent.name == profile} for profile in ("full", "quick")}
    assert set(SOURCES) - OPTIONAL <= there["quick"] | {"09_radio_maps.ipynb"} <= set(SOURCES)
    assert "09_radio_maps.ipynb" in there["full"]


@pytest.mark.parametrize("path", EXECUTED, ids=lambda path: path.stem)
def test_an_executed_notebook_is_that_of_the_sources_and_ran_to_its_end(path):
    assert code_and_text(path) == code_and_text(SOURCES[path.name]), "run its stage again: make reproduce"
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)


@pytest.mark.parametrize("path", EXECUTED, ids=lambda path: path.stem)
def test_the_figures_of_an_executed_notebook_have_an_alternative_text_and_fit_a_screen(path):
    pictures = [output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", [])
                if "image/png" in output.get("data", {})]
    assert pictures
    for output in pictures:
        assert len(output.metadata["image/png"]["alt"]) > 40
        width, = struct.unpack(">I", base64.b64decode(output.data["image/png"])[16:20])
        assert width <= 900


@pytest.mark.parametrize("path", EXECUTED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_tables_of_an_executed_notebook_are_shown_whole(path):
    assert "<td>...</td>" not in path.read_text(encoding="utf-8"), "pandas leaves out rows or columns: show fewer"


def test_executed_notebooks_are_small_and_know_no_machine():
    assert sum(path.stat().st_size for path in EXECUTED) < MOST_MB * 2**20
    for path in EXECUTED:
        text = path.read_text(encoding="utf-8")
        assert not any(folder in text for folder in (str(ROOT), str(Path.home()), tempfile.gettempdir()))
        assert "papermill" not in json.loads(text)["metadata"]


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_kept_figure_is_no_empty_page_and_says_what_it_shows(path):
    assert imread(path).std() > 0.01
    with Image.open(path) as image:
        assert len(image.text["Description"]) > 40 and image.text["Title"]
