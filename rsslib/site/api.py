"""The API reference: a page for each package, from the docstrings of its modules."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
_LEFT_OUT = {"_sionna_worker", "conf"}


def write(folder: Path) -> None:
    """Write the pages, for Sphinx's autodoc."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = {path.parent.relative_to(PACKAGE).as_posix(): path.parent for path in PACKAGE.rglob("__init__.py")
                if path.parent != PACKAGE}
    names = {"rsslib": PACKAGE} | {f"rsslib.{name.replace('/', '.')}": path for name, path in sorted(packages.items())}
    for name, path in names.items():
        modules = [f"{name}.{module.stem}" for module in sorted(path.glob("*.py"))
                   if module.stem not in {*_LEFT_OUT, "__init__", "__main__"}]
        parts = [_headed(name, "="), f".. automodule:: {name}\n"]
        parts += [f"{_headed(module, '-')}\n.. automodule:: {module}\n   :members:\n" for module in modules]
        (folder / f"{name}.rst").write_text("\n".join(parts), encoding="utf-8")
    (folder / "index.md").write_text(_index([*names]), encoding="utf-8")


def _headed(name: str, line: str) -> str:
    return f"{name}\n{line * len(name)}\n"


def _index(names: list[str]) -> str:
    wanted = {"the EMD, CoM and PSE losses": "rsslib.localization.losses.emd",
              "radio maps": "rsslib.radio_maps.localizer.RadioMaps",
              "networks that learn from maps": "rsslib.radio_maps.fed.FedLocalizer",
              "a locator for your own csv": "rsslib.locator.locator.Locator",
              "indicators of confidence": "rsslib.confidence.indicators",
              "two-level bootstrap": "rsslib.ledger.resampling.resampled"}
    lines = [f'- {words}: <a href="{_page(name, names)}.html#{_anchor(name)}"><code>{name}</code></a>'
             for words, name in wanted.items()]
    return "\n".join(["# The code\n", "What most readers look for:\n", *lines, "",
                      "Every package; each function has a link to its source:\n",
                      "```{toctree}\n:maxdepth: 1\n", *names, "```\n"])


def _anchor(name: str) -> str:
    return name if name.count(".") > 2 else f"module-{name}"


def _page(name: str, names: list[str]) -> str:
    """Return the page that a name of the library is on: that of its package."""
    return max((one for one in names if name.startswith(f"{one}.")), key=len)
