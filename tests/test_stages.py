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
def copy(tmp_path_factory):
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
    return folder


@pytest.fixture(scope="module")
def felt(copy):
    """By edit, the stages of the copy that have been run, and of which DVC sees a changed dependency."""
    told = json.dumps([*EDITS.values()])
    done = subprocess.run([sys.executable, "-c", TOUCHED, told], cwd=copy, capture_output=True, text=True, check=True)
    nothing, *each = (set(names) & has_run() for names in json.loads(done.stdout))
    assert nothing == set()
    return dict(zip(EDITS, each))


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


DEVICES, FORMAT = "rsslib/learning/devices.py", ("fast = device.type", "fast = True or device.type")
EDITS = {"number format": {DEVICES: FORMAT},
         "after trainings": dict.fromkeys(["rsslib/confidence/hybrid.py", "rsslib/confidence/ranging.py",
                                           "rsslib/reports/style.py"], ("", "# edited\n"))}
"""By edit, what it does to which files: replaces a text, or puts one in front."""
TOUCHED = """
import json, sys
from pathlib import Path
from dvc.repo import Repo


def touched(repo):
    seen, found = {}, set()
    for stage in repo.index.stages:
        for dep in stage.deps:
            key = dep.def_path, str(dep.hash_info)
            if key not in seen:    # dvc status asks again for every stage
                code = dep.def_path != "params.yaml" and dep.hash_info and dep.exists
                seen[key] = bool(code and dep.changed_checksum())
            if seen[key]:
                found.add(stage.addressing)
    return sorted(found)


with Repo() as repo, repo.lock:
    told = [touched(repo)]
    for edit in json.loads(sys.argv[1]):
        before = {path: Path(path).read_text(encoding="utf-8") for path in edit}
        for path, (old, new) in edit.items():
            Path(path).write_text(before[path].replace(old, new, 1), encoding="utf-8")
        told.append(touched(repo))
        for path, text in before.items():
            Path(path).write_text(text, encoding="utf-8")
print(json.dumps(told))
"""
"""Prints the stages of which DVC sees a changed dependency: as the copy is, and after each edit."""


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


def test_the_choice_of_the_number_format_is_felt_by_every_training_and_every_record(copy, felt):
    assert trainings() <= felt["number format"]
    path, before = copy / DEVICES, code_hashes(copy)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(*FORMAT), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    after = code_hashes(copy)
    path.write_text(text, encoding="utf-8")
    assert before.keys() == after.keys() and not before.items() & after.items()


def test_what_comes_after_a_training_retrains_nothing(felt):
    after = felt["after trainings"]
    assert {"hybrids@smoke", "pairs@quick"} <= after and not after & trainings()


@pytest.mark.parametrize("training", paper.order("quick"), ids=lambda training: training.name)
def test_what_quick_keeps_of_other_trainings_was_made_with_the_settings_of_today(training):
    made = files.read_netcdf(training.outputs(), "predictions", "train again").attrs
    wanted = {name: value for name, value in paper.settings(training).items()
              if name not in ("profile", "root", "measurements")}
    assert wanted and {name: made[name] for name in wanted} == wanted
