"""The house: imports lead downward and in no circle, the front door is open, training needs four libraries."""

import ast
import graphlib
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import rsslib

PACKAGE = Path(rsslib.__file__).parent
ORDER = ("project", "files", "arguments", "progress", "sources", "data", "tables", "propagation", "learning",
         "localization", "radio_maps", "confidence", "emitters", "ledger", "reports", "locator", "site", "workflow")
"""From the ground up; the front door and the command line stand above them all."""

TRAINING = """
import importlib.util
import pickle
import re
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

def plain(name):
    return name.lower().replace("_", "-")

# what the four libraries ask for themselves is theirs to import
wanted, left = set(), ["torch", "numpy", "xarray", "pandas"]
while left:
    wanted.add(library := left.pop())
    try:
        lines = [line for line in requires(library) or [] if "extra ==" not in line]
    except PackageNotFoundError:  # asked for on other machines
        continue
    left += {plain(re.match(r"[\\w.-]+", line)[0]) for line in lines} - wanted
allowed = {"rsslib", *sys.stdlib_module_names}
allowed |= {module for module, names in packages_distributions().items() if wanted & set(map(plain, names))}
assert not allowed & {"sklearn", "pyproj", "pooch", "netCDF4", "matplotlib", "yaml", "safetensors", "ot"}

# finders of modules that find none but those allowed, as if no other library were installed
class WithoutTheRest:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, *rest):
        # Python's own build settings are a module named after the machine
        if name.partition(".")[0] in allowed or name.startswith("_sysconfigdata"):
            return self.finder.find_spec(name, *rest)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = map(WithoutTheRest, sys.meta_path)
assert importlib.util.find_spec("torch") and not importlib.util.find_spec("matplotlib")
from rsslib import Localizer, Recipe, splits

dataset = pickle.load(sys.stdin.buffer)
sets = splits.make(dataset, "grid2")
recipe = Recipe(network="compact", members=2, epochs=1, pixel_m=120.0, precision="float32", threads=1)
localizer = Localizer(recipe, device="cpu").fit(dataset, sets)
print(localizer.predict(dataset, {"ood": sets["ood"]}).sizes["sample"])
"""


def _name(path):
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def _only_for_type_checkers(tree):
    return {inner for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for statement in node.body for inner in ast.walk(statement)}


def _imports(module):
    """The modules of rsslib that a module imports, also inside functions."""
    tree, names = MODULES[module], set()
    skipped = _only_for_type_checkers(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in skipped:
            assert node.level == 0, f"{module}: relative import; write it from rsslib"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in MODULES else node.module for name in inner}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return (names & set(MODULES)) - {module}


def _floor(module):
    package = module.split(".")[1] if "." in module else ""
    return ORDER.index(package) if package in ORDER else len(ORDER)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_its_own_package_or_below(module):
    assert {name for name in _imports(module) if _floor(name) > _floor(module)} == set()


def test_no_module_imports_in_a_circle():
    graphlib.TopologicalSorter({module: _imports(module) for module in MODULES}).prepare()    # CycleError names it


def test_every_package_has_its_place_in_the_order():
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} <= set(ORDER)


def test_the_names_of_the_front_door_are_those_that_type_checkers_see():
    seen = {alias.name: node.module for node in _only_for_type_checkers(MODULES["rsslib"])
            if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == {name: home.removesuffix(f".{name}") for name, home in rsslib._MODULES.items()}


@pytest.mark.parametrize("name", rsslib.__all__)
def test_the_front_door_lists_and_gives_its_names(name):
    assert name in dir(rsslib)
    home = rsslib._MODULES.get(name, "rsslib.project")
    module = import_module(home)
    assert getattr(rsslib, name) is (module if home.endswith(f".{name}") else getattr(module, name))


def test_the_front_door_knows_no_other_name_and_opens_without_numeric_libraries():
    with pytest.raises(AttributeError, match="no attribute 'Localiser'"):
        rsslib.Localiser  # noqa: B018
    code = "import sys, rsslib; dir(rsslib); print(*{'torch', 'numpy', 'xarray'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_training_needs_torch_numpy_xarray_and_pandas_alone(campus):
    done = subprocess.run([sys.executable, "-c", TRAINING], input=pickle.dumps(campus), cwd=PACKAGE.parent,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert int(done.stdout) > 0
