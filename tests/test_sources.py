"""What code rests on, on a made-up package: imports anywhere, names re-exported, files named; what does not count."""

import ast
import json
import re

import pytest

from rsslib import sources
from rsslib.project import ROOT, InputError

PACKAGE = sources.PACKAGE

FILES = {
    "__init__.py": "",
    "base.py": "VALUE = 1\n",
    "alone.py": "VALUE = 2\n",
    "typed.py": "class Kind: ...\n",
    "lazy.py": "from made.base import VALUE\n",
    "data/__init__.py": "from made.data.tables import table\n",
    "data/tables.py": 'NAME = "sites.csv"\n\ndef table(): ...\n',
    "data/other.py": "",
    "data/sites.csv": "1,2\n",
    "data/spare.csv": "3,4\n",
    "front/__init__.py": ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
                          "    from made.base import VALUE as value\n"),
    "user.py": "from made.data import table\n",
    "plain.py": "import json\nimport made.alone as other\n",
    "inner.py": "def work():\n    from made.lazy import VALUE\n    return VALUE\n",
    "hints.py": "import typing\nif typing.TYPE_CHECKING:\n    from made.typed import Kind\nfrom made import base\n",
}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A package of small modules that stands in for rsslib."""
    for name, text in FILES.items():
        path = tmp_path / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(sources, "PACKAGE", tmp_path / "made")
    return tmp_path / "made"


@pytest.fixture
def notebook(made):
    """A notebook that imports through a front door, with an output."""
    cells = [{"cell_type": "markdown", "source": ["from made import alone"]},
             {"cell_type": "code", "source": ["from made.front import value\n", "value"], "outputs": []}]
    path = made.parent / "study.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    return path


def names(made, *starts):
    return [path.relative_to(made).as_posix() for path in sources.closure(*starts)]


def test_a_name_that_a_package_re_exports_leads_to_its_module(made, notebook):
    assert names(made, "made.user") == ["data/sites.csv", "data/tables.py", "user.py"]
    assert names(made, notebook) == ["base.py"]    # also where the package imports it for type checkers alone


def test_imports_inside_functions_count_and_are_followed(made):
    assert names(made, "made.inner") == ["base.py", "inner.py", "lazy.py"]


def test_imports_for_type_checkers_alone_do_not_count(made):
    assert names(made, "made.hints") == ["base.py", "hints.py"]


def test_a_file_named_in_a_text_counts_and_its_neighbour_does_not(made):
    assert names(made, "made.data.tables") == ["data/sites.csv", "data/tables.py"]


def test_plain_imports_count_and_those_of_other_packages_do_not(made):
    assert names(made, "made.plain") == ["alone.py", "plain.py"]


def test_several_starts_are_one_closure(made, notebook):
    assert names(made, "made.plain", notebook, "made.inner") == ["alone.py", "base.py", "inner.py", "lazy.py",
                                                                 "plain.py"]


def test_what_is_not_there_is_named(made):
    with pytest.raises(InputError, match="no module 'made.nothing'; give its full name"):
        sources.closure("made.nothing")
    with pytest.raises(InputError, match="no module 'numpy'"):
        sources.closure("numpy")
    with pytest.raises(InputError, match="none.ipynb: no such file; expected a Jupyter notebook"):
        sources.closure(made / "none.ipynb")


@pytest.mark.parametrize("edited, changes", [("base.py", True), ("lazy.py", True), ("alone.py", False)])
def test_the_digest_changes_with_what_is_rested_on_alone(made, edited, changes):
    before = sources.digest("made.inner")
    with (made / edited).open("a") as file:
        file.write("# edited\n")
    assert (sources.digest("made.inner") != before) == changes


def test_an_import_added_is_seen(made):
    sources.closure("made.base")
    (made / "base.py").write_text("from made import alone\n")
    assert names(made, "made.lazy") == ["alone.py", "base.py", "lazy.py"]


def test_line_ends_and_outputs_do_not_count(made, notebook):
    before = sources.digest(notebook)
    (made / "base.py").write_bytes(FILES["base.py"].replace("\n", "\r\n").encode())
    notebook.write_text(notebook.read_text().replace('"outputs": []', '"outputs": ["1"]'))
    assert sources.digest(notebook) == before
    notebook.write_text(notebook.read_text().replace('value"]', 'value + 1"]'))
    assert sources.digest(notebook) != before


def test_the_code_of_a_notebook_is_that_of_its_code_cells(notebook):
    assert sources.code_of(notebook) == "from made.front import value\nvalue\n"


def test_a_folder_is_named_where_all_its_modules_are_there(made):
    files = [made / name for name in ("base.py", "data/tables.py", "data/other.py", "front/__init__.py")]
    assert sources.folded(files) == ["made/base.py", "made/data", "made/front"]
    assert sources.folded(files[:2]) == ["made/base.py", "made/data/tables.py"]


def test_a_re_export_under_another_name_leads_to_its_module(made):
    (made / "front/__init__.py").write_text("from made.data import other as site\n")
    (made / "caller.py").write_text("from made.front import site\n")
    assert names(made, "made.caller") == ["caller.py", "data/other.py"]


def test_magics_of_a_notebook_are_no_code(made, notebook):
    cells = json.loads(notebook.read_text())["cells"]
    magic = {"cell_type": "code", "source": ["%matplotlib inline\n", "!ls\n", "from made import alone"]}
    notebook.write_text(json.dumps({"cells": [*cells, magic]}))
    assert names(made, notebook) == ["alone.py", "base.py"]
    notebook.write_text("[1]")


@pytest.mark.parametrize("content", [
    "", "{", "[1]", "null", "{}", '{"cells": {}}', '{"cells": [1]}', '{"cells": [], "nbformat": 3}',
    '{"cells": [{"cell_type": "code"}]}', '{"cells": [{"cell_type": "code", "source": [1]}]}',
    '{"cells": [{"cell_type": 1, "source": ""}]}', '{"cells": [{"cell_type": "code", "source": "", "metadata": []}]}',
    '{"cells": [{"cell_type": "code", "source": "", "metadata": {"tags": "parameters"}}]}',
    '{"cells": [{"cell_type": "code", "source": "x = (1"}]}',
    '{"cells": [{"cell_type": "code", "source": "\\u0000"}]}'])
def test_what_is_no_notebook_is_named(notebook, content):
    notebook.write_text(content)
    with pytest.raises(InputError, match="study.ipynb: "):
        sources.closure(notebook)


def test_a_cell_needs_no_metadata(made, notebook):
    notebook.write_text('{"cells": [{"cell_type": "code", "source": ["from made import ", "alone"]}]}')
    assert names(made, notebook) == ["alone.py"]


@pytest.mark.parametrize("line", [
    "import made", "import made as m", "import json, made", "import made.base", "from made import *",
    "from made.data import *", "from . import base", "from .base import VALUE", "from importlib import import_module",
    "importlib.import_module(name)", "__import__('made')", "def work():\n    import made"])
def test_an_import_that_hides_what_it_imports_is_refused(made, notebook, line):
    notebook.write_text(json.dumps({"cells": [{"cell_type": "code", "source": f"import json\n{line}"}]}))
    number, last = 2 + line.count("\n"), line.split("\n")[-1].strip().split("(")[0]
    for path, start in ((notebook, notebook), (made / "base.py", "made.base")):
        (made / "base.py").write_text(f"import json\n{line}\n")
        with pytest.raises(InputError, match=rf"{path.name}: line {number} of its code, `{re.escape(last)}.* hides"):
            sources.closure(start)


@pytest.mark.parametrize("line", ["import made.base as base", "from made import base", "import numpy as made_up",
                                  "from typing import *", "from importlib import metadata", "import importlib.util"])
def test_other_imports_are_plain(made, notebook, line):
    notebook.write_text(json.dumps({"cells": [{"cell_type": "code", "source": line}]}))
    assert names(made, notebook) == (["base.py"] if "base" in line else [])


def test_no_notebook_and_no_module_hides_an_import():
    """The error would name the file."""
    notebooks = [path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    modules = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
               for path in PACKAGE.rglob("*.py")}
    assert set(modules.values()) <= set(sources.closure(*notebooks, *modules)) and len(notebooks) > 11


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_a_package_does_nothing_when_it_is_imported(path):
    """A closure leaves out the packages that its modules are in."""
    title, *body = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(title, ast.Expr) and isinstance(title.value, ast.Constant)
    for node in body:
        names = [ast.unparse(target) for target in node.targets] if isinstance(node, ast.Assign) else []
        door = path.parent == PACKAGE and (names in (["__version__"], ["_MODULES"]) or isinstance(node, ast.If))
        assert isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef) or names == ["__all__"] or door
