"""The project's files agree: extras, Python, versions, imports, make targets, package data, lengths."""

import ast
import json
import math
import re
import runpy
import statistics
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import LONGEST
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rsslib import __main__ as command_line
from rsslib.files import read_json
from rsslib.radio_maps.fed_recipe import FedRecipe
from rsslib.radio_maps.products import Rule
from rsslib.reports.radio_maps.tables import DOUBT
from rsslib.reports.tables import name
from rsslib.workflow import own

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]

DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "pyyaml", "ot": "pot", "PIL": "pillow",
                 "axe_playwright_python": "axe-playwright-python"}
"""Modules whose distribution has another name."""

OPTIONAL = {"sionna": ("sionna", "mitsuba", "drjit"), "gis": ("geopandas",)}
"""Extras that only those install who ask for them, with their modules, imported inside a function only."""


def _text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def _names(requirements):
    return {re.split(r"[<>=!~\[; ]", line)[0].lower() for line in requirements}


def _imports(path):
    """Yield the top name of every import in a file, and whether it stands at the top level of the module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        top = node in tree.body
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0], top


def _third_party(folder):
    return {(name, top, path.relative_to(ROOT).as_posix())
            for path in (ROOT / folder).rglob("*.py") for name, top in _imports(path)
            if name not in sys.stdlib_module_names and name not in ("rsslib", "tests")
            and not (ROOT / "tests" / f"{name}.py").exists()}


def _is_declared(module, requirements):
    return DISTRIBUTIONS.get(module, module.lower()) in _names(requirements)


def test_every_import_of_the_library_is_declared_or_optional():
    declared = [*PROJECT["dependencies"], *EXTRAS["repro"], *EXTRAS["cluster"]]
    undeclared = {(name, path) for name, top, path in _third_party("rsslib")
                  if not _is_declared(name, declared) and (top or name not in sum(OPTIONAL.values(), ()))}
    assert undeclared == set(), "declare them in pyproject.toml"


def test_every_import_of_the_tests_is_declared():
    declared = [*PROJECT["dependencies"], *EXTRAS["repro"], *EXTRAS["cluster"], *EXTRAS["test"]]
    used = {(name, path) for name, _, path in _third_party("tests")}
    assert {(name, path) for name, path in used if not _is_declared(name, declared)} == set()


def test_conda_installs_the_project_with_all_extras_but_the_optional():
    assert set(OPTIONAL) <= set(EXTRAS)
    dependencies = yaml.safe_load(_text("environment.yml"))["dependencies"]
    constraint, entry = next(item["pip"] for item in dependencies if isinstance(item, dict))
    assert constraint == "-c constraints.txt"
    assert set(re.fullmatch(r"-e \.\[(.*)\]", entry)[1].split(",")) == set(EXTRAS) - set(OPTIONAL)
    assert set(re.search(r"--editable '\.\[(.*?)\]'", _text("Makefile"))[1].split(",")) == set(EXTRAS) - set(OPTIONAL)


def test_the_constraints_are_exact_versions_and_satisfy_what_is_declared():
    lines = [line for line in _text("constraints.txt").splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9][\w.-]*==[0-9][\w.!]*", line)] == []    # no +cpu
    exact = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    assert len(exact) == len(lines)
    declared = [Requirement(line) for line in (
        *PROJECT["dependencies"], *(line for name in set(EXTRAS) - set(OPTIONAL) for line in EXTRAS[name]))]
    wrong = {str(entry): exact.get(canonicalize_name(entry.name)) for entry in declared
             if not entry.specifier.contains(exact.get(canonicalize_name(entry.name), "0"))}
    assert wrong == {}, "write constraints.txt again from a fresh environment"
    assert exact["torch"] == "2.13.0"


def test_the_environment_is_made_with_the_constraints_and_again_when_they_change():
    makefile = _text("Makefile")
    assert re.search(r"^\$\(STAMP\): pyproject.toml constraints.txt$", makefile, re.MULTILINE)
    assert "--constraint constraints.txt --editable" in makefile
    jobs = yaml.safe_load(_text(".github/workflows/ci.yml"))["jobs"].values()
    assert {step["with"]["cache-dependency-path"] for job in jobs for step in job["steps"] if "with" in step} == {
        "constraints.txt"}


def test_python_is_the_same_everywhere():
    oldest = re.fullmatch(r">=(3\.\d+)", PROJECT["requires-python"])[1]
    assert f"python={oldest}" in yaml.safe_load(_text("environment.yml"))["dependencies"]
    assert json.loads(_text(".devcontainer/devcontainer.json"))["image"] == f"python:{oldest}"
    jobs = yaml.safe_load(_text(".github/workflows/ci.yml"))["jobs"].values()
    used = {step["with"]["python-version"] for job in jobs for step in job["steps"]
            if "python-version" in step.get("with", {})}
    assert used == {oldest}
    assert f"(3, {oldest.split('.')[1]})" in _text("Makefile")


def test_the_citation_names_this_version_both_papers_and_the_data():
    citation = yaml.safe_load(_text("CITATION.cff"))
    assert str(citation["version"]) == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert [reference["type"] for reference in citation["references"]] == ["article", "article", "data"]
    assert "arXiv:2512.00510" in _text("CITATION.cff")
    assert citation["references"][2]["doi"] == "10.5281/zenodo.7259895"


def test_targets_and_commands_that_the_readme_names_exist():
    targets = set(re.findall(r"^([a-z-]+):", _text("Makefile"), flags=re.MULTILINE))
    commands = set(re.findall(r"^ {4}([a-z]+)\b", command_line._parser().format_help(), re.MULTILINE))
    readme = _text("README.md") if (ROOT / "README.md").exists() else ""
    code = "\n".join(re.findall(r"```.*?```|`[^`]+`", readme, flags=re.DOTALL))
    assert set(re.findall(r"(?:^|`|&& )make (?:[A-Z]+=\S+ )*([a-z-]+)", code, re.MULTILINE)) <= targets
    assert set(re.findall(r"(?:python -m |^ *|`)rsslib ([a-z]+)", code, re.MULTILINE)) <= commands
    assert commands - {"run", "sweep", *own.COMMANDS} <= targets    # those take names of files or a profile


def test_every_target_is_phony_and_explained():
    makefile = _text("Makefile")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    assert targets == set(re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)[1].split())
    assert targets == set(re.findall(r"^([a-z-]+):.*## \S", makefile, flags=re.MULTILINE))


def test_data_files_of_the_library_are_packaged():
    package_data = tomllib.loads(_text("pyproject.toml"))["tool"]["setuptools"]["package-data"]
    others = [path for path in (ROOT / "rsslib").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert others
    for path in others:
        package = next(folder for folder in path.parents if (folder / "__init__.py").is_file())
        patterns = package_data[".".join(package.relative_to(ROOT).parts)]
        assert any(path.relative_to(package).match(pattern) for pattern in patterns), f"{path} is not packaged"


def test_the_script_calls_the_command_line():
    module, name = PROJECT["scripts"]["rsslib"].split(":")
    assert module == command_line.__name__ and callable(getattr(command_line, name))


LENGTHS = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sorted((ROOT / "rsslib").rglob("*.py"))}
LONGEST_MODULE, LONGEST_FUNCTION = 330, 50


def test_modules_stay_short():
    assert {path.name: lines for path, lines in LENGTHS.items() if lines > LONGEST_MODULE} == {}


def test_functions_stay_short():
    lengths = {f"{path.name}: {node.name}": node.end_lineno - node.lineno + 1 for path in LENGTHS
               for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
               if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("script", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.name)
def test_a_benchmark_starts(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    monkeypatch.syspath_prepend(script.parent)    # as Python does for a script
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert not ended.value.code and script.name in capsys.readouterr().out


def test_the_modules_that_begin_first_are_there():
    assert [name for name in LONGEST if not (ROOT / name).is_file()] == []


@pytest.mark.skipif(sys.platform != "linux", reason="sockets without a file are Linux's")
def test_kernels_of_nbval_need_no_port(monkeypatch):
    import nbval.kernel

    monkeypatch.setattr(nbval.kernel, "KernelManager", nbval.kernel.KernelManager)    # as it was, at the end
    runpy.run_path(str(ROOT / "tests" / "nbval_sockets.py"))
    assert nbval.kernel.KernelManager().transport == "ipc"


def test_what_the_deviations_say_of_the_reach_of_pairs_stands_in_its_records():
    records = read_json(ROOT / "benchmarks/choices.json", "")["records"]
    mean_m = {one["reach_m"]: one["mean_m"] for one in records if one["task"] == "reach-april"}
    noise = {one["noise_db"]: one["mean_m"] for one in records if one["task"] == "noise-april"}
    text = " ".join(_text("docs/deviations.md").split())
    assert min(noise, key=noise.get) == 4 and f"4 dB is {noise[3.5] - noise[4]:.1f} m better there" in text
    assert max(noise[each] for each in (3, 3.5, 4, 5)) < 1.01 * noise[4]
    assert (f"a reach of 90 m errs by {mean_m[90]:.0f} m, of 60 m by {mean_m[60]:.0f} m, of 40 m, which is taken, by "
            f"{mean_m[40]:.0f} m, and of 25 m by {mean_m[25]:.0f} m.") in text
    assert "step=1, reach_m=40.0)" in _text("notebooks/07_two_transmitters.ipynb")


def _medians(*tasks: str) -> dict[tuple, dict[str, float]]:
    found = {}
    for one in read_json(ROOT / "benchmarks/choices.json", "")["records"]:
        if one["task"].startswith(tasks):
            rule = tuple(one["real_shares"]), one["together"], one["maps_weight"]
            found.setdefault(rule, {})[one["task"]] = one["median_m"]
    return found


def test_what_the_deviations_say_of_other_seasons_stands_in_its_records():
    found, text = _medians("val-", "cells-", "season-", "calibrated-"), " ".join(_text("docs/deviations.md").split())
    chosen, mean = ((FedRecipe().real_shares, together, Rule().maps_weight) for together in ("handed over", "mean"))
    a, b, c, d = (f"{found[rule][f'season-{season}']:.0f}" for rule in (chosen, mean)
                  for season in ("july", "november"))
    assert f"errs by {a} and {b} m, the mean of the same networks with the same weight by {c} and {d} m;" in text
    a, b, c, d = (f"{found[rule][f'calibrated-{season}']:.0f}" for rule in (chosen, mean)
                  for season in ("july", "november"))
    assert f"after self-calibration by {a} and {b} m, and {c} and {d} m (one seed)." in text
    score = {rule: statistics.fmean([math.log(medians[task]) for task in medians if not task.startswith("calibrated")])
             for rule, medians in found.items()}
    first, second = sorted(score, key=score.get)[:2]
    assert second == chosen and first == ((1.0, 0.25), *chosen[1:]) and len(found[first]) == 10
    behind = [f"{score[rule] - score[first]:.3f}" for rule in (second, mean)]
    assert f"25 % alone would lead by {behind[0]}, and the mean be {behind[1]} behind;" in text
    score = {rule: statistics.fmean(map(math.log, medians.values())) for rule, medians in found.items()}
    assert f"with all four it would be {score[mean] - score[chosen]:.3f} behind the chosen ones" in text
    assert min(score, key=score.get)[1] == "handed over"
    assert min(found, key=lambda rule: math.prod(
        found[rule][f"calibrated-{season}"] for season in ("july", "november")))[1] == "mean"


def test_what_the_deviations_say_of_the_choice_of_a_rule_stands_in_its_records():
    found = _medians("val-", "cells-")
    score = {rule: sum(map(math.log, medians.values())) for rule, medians in found.items()}
    best = min(score, key=score.get)
    assert best == (FedRecipe().real_shares, "handed over", Rule().maps_weight)
    text = " ".join(_text("docs/deviations.md").split())
    told = {rule: [f"{medians[task]:.0f}" for task in (
        "val-random", "val-grid2", "val-blocks", "val-november", "cells-grid2", "cells-july")]
        for rule, medians in found.items()}
    assert f"Of {len(found)} combinations the one chosen" in text
    assert f"has the lowest score: errors of {', '.join(told[best][:-1])} and {told[best][-1]} m." in text
    mean = told[best[0], "mean", best[2]]
    assert f"with the same weight errs by {', '.join(mean[:-1])} and {mean[-1]} m:" in text
    first, second = sorted(score, key=score.get)[:2]
    assert second == ((1.0, 0.25), *best[1:])
    assert f"the same without the network of 10 %, is {(score[second] - score[first]) / 6:.3f} behind" in text
    without = {rule: score[rule] - math.log(medians["val-november"]) for rule, medians in found.items()}
    assert min(without, key=without.get) == best    # "without them the same combination leads"


def test_texts_name_the_separations_whose_networks_have_regions_for_unseen_cells():
    stems = [path.stem for path in (ROOT / "results/full/unseen").glob("*.json") if "." not in path.stem]
    named = [name(split) for split in ("grid2", "grid5", "july", "november") if split in stems]
    assert len(named) == len(stems)
    told = f"{', '.join(named[:-1])} and {named[-1]}"
    assert f"unseen cells on {told} alone" in _text("rsslib/site/texts/fails.md")
    cells = json.loads(_text("notebooks/09_radio_maps.ipynb"))["cells"]
    assert f"in `full` on {told}," in " ".join("".join(line for cell in cells for line in cell["source"]).split())


def test_the_indicator_of_unseen_places_is_the_one_that_the_records_choose():
    found = {}
    for one in read_json(ROOT / "benchmarks/choices.json", "")["records"]:
        if one["task"].startswith("doubt-"):
            found.setdefault(one["indicator"], []).append(one["auroc"])
    assert {len(each) for each in found.values()} == {2}
    first, second = sorted(found, key=lambda name: -sum(found[name]))[:2]
    assert first == " + ".join(DOUBT) and second == "entropy_network + map_std"
    ahead = (sum(found[first]) - sum(found[second])) / 2
    assert f"{ahead:.3f} ahead of the sum with the entropy of the networks" in " ".join(
        _text("docs/deviations.md").split())
