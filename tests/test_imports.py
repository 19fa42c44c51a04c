"""The house: no module imports from a higher floor or in a circle, training needs four libraries."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rsslib
from rsslib.data import measurements as schema

PACKAGE = Path(rsslib.__file__).parent
FLOORS = (
    ("project", "progress"),
    ("checkpoints", "grid", "splits", "networks", "ranging", "propagation", "emitter_networks", "emitter_stem",
     "emitter_optimizer"),
    ("losses", "sliced", "predictions", "emitters", "emitter_images", "emitter_loss", "emitter_metrics", "datasets",
     "figures"),
    ("ensemble", "confidence", "mixtures"),
    ("training", "gallery", "hybrid", "emitter_recipe", "emitter_feeds", "emitter_training", "emitter_predictions"),
    ("localizer",),
)
"""From the ground up; what is not named stands above them all."""

TRAINING = """
import importlib.util
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

    def find_spec(self, name, *place):
        # Python's own build settings are a module named after the machine
        if name.partition(".")[0] in allowed or name.startswith("_sysconfigdata"):
            return self.finder.find_spec(name, *place)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = map(WithoutTheRest, sys.meta_path)
assert importlib.util.find_spec("torch") and not importlib.util.find_spec("matplotlib")
import numpy as np
from rsslib import predictions, splits, training
from rsslib.datasets import schema
from rsslib.ensemble import Recipe

dataset = schema.load(sys.argv[1])
sets = splits.make(dataset, "grid2")
recipe = Recipe(network="compact", members=2, epochs=1, pixel_m=120.0, precision="float32", threads=1)
trainer = training.Trainer(dataset, sets, recipe, device="cpu")
ensemble = trainer.fit()
said = ensemble.describe(trainer.samples, sets["ood"])
found = predictions.collect(said, dataset, sets["ood"], np.full(len(sets["ood"]), "ood"), ensemble.attrs())
predictions.save(found, sys.argv[2])
print(len(predictions.load(sys.argv[2]).sample))
"""


def _imported(module, name):
    """The module behind `from module import name`: the one of that name, else the one that holds it."""
    inside = PACKAGE.parent.joinpath(*module.split("."), name)
    return f"{module}.{name}" if inside.is_dir() or inside.with_suffix(".py").exists() else module


def imports():
    """{module: modules of rsslib that it imports, also inside functions}, as dotted names below rsslib."""
    modules = {".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
               for path in sorted(PACKAGE.rglob("*.py"))}
    found = {}
    for module, path in modules.items():
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names |= {_imported(node.module, alias.name) for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                pytest.fail(f"{path.name}: relative import; write it from rsslib")
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
        below = {name.removeprefix("rsslib.") for name in names if name.startswith("rsslib.")}
        found[module] = (below & set(modules)) - {module}
    return found


def floor(module):
    room = module.partition(".")[0]
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), len(FLOORS))


def test_no_module_imports_from_a_higher_floor():
    upward = [f"{module} (floor {floor(module)}) imports {name} (floor {floor(name)})"
              for module, names in imports().items() for name in names if floor(name) > floor(module)]
    assert not upward


def test_no_module_imports_in_a_circle():
    left = imports()
    while free := [module for module, names in left.items() if not names & set(left)]:
        for module in free:
            del left[module]
    assert not left, f"a circle among {', '.join(left)}"


def test_training_needs_torch_numpy_xarray_and_pandas_alone(campus, tmp_path):
    measurements = schema.save(campus, tmp_path / "measurements.npz")
    command = [sys.executable, "-c", TRAINING, str(measurements), str(tmp_path / "predictions.npz")]
    done = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 0
