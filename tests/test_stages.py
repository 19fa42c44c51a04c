"""Stages depend on the code that they rest on: dvc.yaml agrees with the closures, an edit is felt where it counts."""

import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from rsslib import files, sources
from rsslib.ledger import provenance
from rsslib.project import ROOT
from rsslib.workflow import paper

STAGES = {name: stage.get("do", stage) for name, stage in
          yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"].items()}
REPORTS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))[1:]


def notebook(stage):
    return re.search(r"notebooks/\S+\.ipynb", stage["cmd"])[0]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_the_closure_of_its_notebook(name):
    stage = STAGES[name]
    expected = sources.folded(sources.closure(ROOT / notebook(stage)))
    listed = [path for path in stage["deps"] if path.startswith("rsslib")]
    assert listed == expected, f"dvc.yaml, stage {name}: write the code of its deps as {', '.join(expected)}"
    assert notebook(stage) in stage["deps"]


@pytest.mark.parametrize("path", ["notebooks/04_ood_detection.ipynb", "notebooks/05_hybrid_models.ipynb"])
def test_upstream_of_a_report_are_the_data_and_the_trainings(path):
    assert provenance.upstream(path) == ["notebooks/01_data_prep.ipynb", path, "notebooks/train/localizer.ipynb"]


def test_upstream_goes_through_trainings_of_trainings():
    assert provenance.upstream("notebooks/06_multi_emitter_cnns.ipynb") == [
        "notebooks/06_multi_emitter_cnns.ipynb", "notebooks/train/emitters.ipynb", "notebooks/train/scenes.ipynb"]


@pytest.mark.parametrize("path", [*REPORTS, "notebooks/01_data_prep.ipynb"])
def test_a_notebook_signs_its_records_with_its_own_name(path):
    assert set(re.findall(r'"(notebooks/[^"]*)"', sources.code_of(ROOT / path))) == {path}


@pytest.fixture(scope="module")
def agreed(tmp_path_factory):
    """A copy of the project without data, whose dvc.lock agrees with its code: what git tracks or would track."""
    folder = tmp_path_factory.mktemp("agreed")
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git clone: the files of the project cannot be told from others")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("results/", "figures/", "tests/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run([sys.executable, "-c", AGREE], cwd=folder, check=True)
    assert not touched(folder)
    return folder


@pytest.fixture
def copy(agreed, tmp_path):
    """A copy of `agreed` that a test may change."""
    return shutil.copytree(agreed, tmp_path / "copy")


AGREE = """
import yaml
from dvc.repo import Repo

with open("dvc.lock", encoding="utf-8") as file:
    lock = yaml.load(file, yaml.CSafeLoader)
hashes = {}
for stage in Repo().index.stages:
    locked = lock["stages"].get(stage.addressing)
    if locked:
        deps = [dep for dep in stage.deps if dep.def_path != "params.yaml"]
        for dep in deps:
            if dep.exists and dep.def_path not in hashes:
                dep.save()
                hashes[dep.def_path] = {"path": dep.def_path, "hash": "md5", "md5": dep.hash_info.value}
        known = {dep["path"]: dep for dep in locked["deps"]} | hashes
        locked["deps"] = [known[dep.def_path] for dep in deps if dep.def_path in known]
with open("dvc.lock", "w", encoding="utf-8") as file:
    yaml.dump(lock, file, yaml.CSafeDumper)
"""
"""Writes the hashes of the code as it is into dvc.lock, whether or not the stages were run with it."""


TOUCHED = """
import json
from dvc.repo import Repo

seen, found = {}, set()
with Repo() as repo, repo.lock:
    for stage in repo.index.stages:
        for dep in stage.deps:
            key = dep.def_path, str(dep.hash_info)
            if key not in seen:    # dvc status asks again for every stage
                code = dep.def_path != "params.yaml" and dep.hash_info and dep.exists
                seen[key] = bool(code and dep.changed_checksum())
            if seen[key]:
                found.add(stage.addressing)
print(json.dumps(sorted(found)))
"""
"""Prints the stages of which DVC sees a changed dependency."""


def touched(folder):
    """Return the stages of the copy that have been run, and of which DVC sees a changed dependency."""
    done = subprocess.run([sys.executable, "-c", TOUCHED], cwd=folder, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout)) & has_run()


def edit(folder, *names):
    """Append a line to files of the copy."""
    for name in names:
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("# edited\n")


def code_hashes(folder):
    """Return {report: code hash of its records} in the copy."""
    code = ("import json; from rsslib.ledger.provenance import provenance\n"
            f"print(json.dumps({{name: provenance(name, {{}}, {{}})['code_hash'] for name in {REPORTS!r}}}))")
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"})
    return json.loads(done.stdout)


def has_run():
    """Return the stages that have been run, as dvc.lock names them."""
    return set(yaml.load((ROOT / "dvc.lock").read_text(encoding="utf-8"), yaml.CSafeLoader)["stages"])


def trainings():
    """Return the stages that train networks and have been run."""
    trainer = sources.PACKAGE / "learning" / "trainer.py"
    names = {name for name, stage in STAGES.items()
             if "/train/" in notebook(stage) and trainer in sources.closure(ROOT / notebook(stage))}
    names.remove("site-data")    # it reads weights
    assert names == {"train", "train-quick", "train-smoke", "train-smoke-seasons", "train-maps", "train-maps-all",
                     "train-pairs", "emitters", "emitters-procedural", "occupancy", "sweep", "five", "ablation",
                     "unseen-cells"}
    return {stage for stage in has_run() if stage.partition("@")[0] in names}


def test_the_choice_of_the_number_format_is_felt_by_every_training_and_every_record(copy):
    path, before = copy / "rsslib/learning/devices.py", code_hashes(copy)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("fast = device.type", "fast = True or device.type"), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    assert trainings() <= touched(copy)
    after = code_hashes(copy)
    assert before.keys() == after.keys() and not before.items() & after.items()


def test_what_comes_after_a_training_retrains_nothing(copy):
    edit(copy, "rsslib/confidence/hybrid.py", "rsslib/confidence/ranging.py", "rsslib/reports/style.py")
    felt = touched(copy)
    assert {"hybrids@smoke", "pairs@quick"} <= felt and not felt & trainings()


@pytest.mark.parametrize("training", paper.order("quick"), ids=lambda training: training.name)
def test_what_quick_keeps_of_other_trainings_was_made_with_the_settings_of_today(training):
    made = files.read_netcdf(training.outputs(), "predictions", "train again").attrs
    wanted = {name: value for name, value in paper.settings(training).items()
              if name not in ("profile", "root", "measurements")}
    assert wanted and {name: made[name] for name in wanted} == wanted
