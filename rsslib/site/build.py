"""`rsslib site`: gathers pages, notebooks, figures and data below build/site, and has Sphinx write site/."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import xarray as xr

from rsslib import data, sources
from rsslib.data import download, measurements
from rsslib.files import read_json, read_text
from rsslib.ledger import markdown
from rsslib.project import ROOT, InputError
from rsslib.reports.style import SEPARATIONS
from rsslib.site import api, beyond, explorer, links, pages, values

SOURCE, OUT = "build/site", "site"
DOCS = ("cluster", "data", "deviations", "doors", "figures", "numbers", "profiles", "your_measurements")
_HERE = Path(__file__).parent
_MATHJAX = "sphinx-mathjax-offline"
_NEEDED = {"sphinx": "sphinx", "myst_nb": "myst-nb", "pydata_sphinx_theme": "pydata-sphinx-theme",
           "sphinx_design": "sphinx-design", _MATHJAX: _MATHJAX}


def build(root: Path = ROOT, source: Path | None = None, out: Path | None = None) -> Path:
    """Write the site from what the reports left: pages, executed notebooks, API, explorer. Returns its first page.

    Nothing is trained. Input: source and out, the folders of Sphinx, by default below `root`; they are emptied.
    Errors: InputError where Sphinx or the records are missing.
    """
    if missing := [name for module, name in _NEEDED.items() if find_spec(module) is None]:
        raise InputError(f"the site needs {', '.join(missing)}; run `pip install -e '.[site]'`")
    source, out = source or root / SOURCE, out or root / OUT
    made = source.with_name(f"{source.name}-html") / "site"    # myst-nb leaves a folder beside it
    for folder in (source, made.parent):
        shutil.rmtree(folder, ignore_errors=True)
    gather(root, source)
    options = ["-q", "-b", "html", "-j", "2", "-d", str(source / "doctrees")]
    done = subprocess.run([sys.executable, "-m", "sphinx", *options, str(source), str(made)], cwd=root, check=False)
    if done.returncode:
        raise InputError("Sphinx could not build the site; see its messages above")
    shutil.rmtree(out, ignore_errors=True)    # the old site stays until the new one is whole
    shutil.move(made, out)
    return out / "index.html"


def gather(root: Path, source: Path) -> None:
    """Write the sources of the site."""
    evidence = pages.Evidence(root)
    executed = [path.relative_to(root).as_posix() for path in sorted((root / "docs/executed").glob("*/*.ipynb"))
                if path.parent.name in evidence.judged]
    _copy(root, source, evidence)
    values.save(evidence.best, evidence.papers, source / "figures" / "values.png")
    texts = {"index.md": pages.front(evidence), "paper1.md": pages.paper(evidence, 0),
             "paper2.md": pages.paper(evidence, 1), "own.md": beyond.own(evidence), "ledger.md": pages.ledger(evidence),
             "results.md": _read(root / "RESULTS.md"),
             "scoreboard.md": scoreboard(root), "explorer.md": pages.text("explorer"),
             "notebooks/index.md": pages.notebooks([path.removeprefix("docs/executed/") for path in executed],
                                                   {Path(path).name: _question(root / path) for path in executed}),
             **{f"docs/{name}.md": _read(root / f"docs/{name}.md") for name in DOCS}}
    there = {*texts, *map(links.target, executed), *(path.relative_to(source).as_posix()
                                                     for path in source.rglob("*") if path.is_file())}
    for name, text in texts.items():
        folder = "docs" if name.startswith("docs/") else "."
        _write(source / name, links.rewritten(text, (folder,), name, there | {"api/index.md"}))
    for path in executed:
        _notebook(root / path, source / links.target(path), links.target(path), there, evidence)
    _toctrees(source, executed)
    api.write(source / "api")
    if (dataset := _measurements(root)) is not None:
        for split in explorer.SPLITS:
            explorer.write(split, dataset, root / "results/quick", source / "_static" / "explorer" / f"{split}.js")


def _measurements(root: Path) -> xr.Dataset | None:
    """Return the measurements, or None where they cannot be had: the explorer then says so."""
    path = root / "data/quick/measurements.nc"
    if path.is_file():
        return measurements.load(path)
    if download.reachable():
        with TemporaryDirectory() as folder:
            download.fetch(folder)
            return data.load("frs", folder)
    print("the measurements cannot be had: the explorer stays empty", file=sys.stderr)
    return None


def _copy(root: Path, source: Path, evidence: pages.Evidence) -> None:
    for name in ("explorer.css", "explorer.js", "ledger.js", "scroll.js", "site.css"):
        _write(source / "_static" / name, (_HERE / "static" / name).read_text(encoding="utf-8"))
    shutil.copy2(_HERE / "conf.py", source / "conf.py")
    (source / "_static" / "mathjax").mkdir()
    if (mathjax := find_spec(_MATHJAX)) and mathjax.origin:    # one file of the 24 MB in that package
        shutil.copy2(Path(mathjax.origin).with_name("static") / "mathjax/tex-svg.js", source / "_static" / "mathjax")
    for profile in evidence.judged:
        if not (root / "figures" / profile).is_dir():
            raise InputError(f"{root / 'figures' / profile}: no such folder; run `make figures` first")
        shutil.copytree(root / "figures" / profile, source / "figures" / profile,
                        ignore=shutil.ignore_patterns("*.pdf"))
        (source / "records" / profile).mkdir(parents=True)
        for path in (root / "results" / profile).glob("*.json"):
            shutil.copy2(path, source / "records" / profile / path.name)


def _read(path: Path) -> str:
    return read_text(path, "a page of the project", "run `rsslib results`, or take it from the repository")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _question(path: Path) -> str:
    """Return the question that a notebook asks, in one line."""
    first = sources.cells(path)[0]["source"]
    after = first.partition("**Question.**")[2].partition("\n\n")[0]
    return " ".join(after.split())


def _notebook(path: Path, to: Path, page: str, there: set[str], evidence: pages.Evidence) -> None:
    """Copy an executed notebook: inputs folded, links as on the site, figures with their alternative texts."""
    content = read_json(path, "an executed notebook", "run its stage again")
    for cell in content["cells"]:
        tags = cell["metadata"].setdefault("tags", [])
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            folders = dict.fromkeys((path.parent.name, *evidence.judged))    # what this profile lacks another may have
            cell["source"] = links.rewritten(text, [f"docs/executed/{name}" for name in folders], page, there)
        else:
            tags.append("hide-input")
            alts = [one.alt for name, one in evidence.pictures.items() if f'"{name}"' in text]
            if alts:
                cell["metadata"]["mystnb"] = {"image": {"alt": alts[-1]}}
    _write(to, json.dumps(content))


def scoreboard(root: Path) -> str:
    """Return the page of methods on the published splits."""
    records = read_json(root / "results/quick/scoreboard.json", "the scoreboard", "run `dvc repro site-data@quick`")
    rows = [(SEPARATIONS.get(one["split"], one["split"].replace("_", " ")), one["method"], one["n"],
             f"{one['median_m']:.1f} [{one['low_m']:.1f}, {one['high_m']:.1f}]") for one in records["records"]
            if "not_run" not in one]
    return "\n".join([
        "# Scoreboard: the published splits\n",
        "The measurements come with two lists of test samples. Each method below is fitted to the training samples of "
        "the split alone, without `val`, and tested on all samples of the list. Median errors in metres, with 95 % "
        "intervals over blocks of two minutes.\n",
        markdown.table(["split", "method", "samples", "median error [m]"], rows), "",
        "Yours beside these, with paired differences: `rsslib score predictions.csv --split published_random` "
        "([how](docs/your_measurements.md#your-own-method-beside-ours-on-published-samples)).\n"])


def _toctrees(source: Path, executed: list[str]) -> None:
    """Give the front page and the index of notebooks their hidden lists of pages."""
    main = ["Paper 1 <paper1>", "Paper 2 <paper2>", "Our method <own>", "Explorer <explorer>", "Ledger <ledger>",
            "Notebooks <notebooks/index>", "Your csv <docs/your_measurements>", "Code <api/index>",
            "Scoreboard <scoreboard>"]
    more = ["results", *(f"docs/{name}" for name in DOCS if name != "your_measurements")]
    executed = sorted(executed, key=lambda path: Path(path).name)
    nested = [links.target(path).removeprefix("notebooks/").removesuffix(".ipynb") for path in executed]
    for page, entries in (("index.md", [*main, *more]), ("notebooks/index.md", nested)):
        path = source / page
        _write(path, path.read_text(encoding="utf-8") + "\n```{toctree}\n:hidden:\n\n" + "\n".join(entries) + "\n```\n")
