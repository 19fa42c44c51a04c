"""Parameters: what is typed, and what stands in params.yaml, is read by the type of the notebook's default."""

import json

import pytest

from rsslib.project import InputError
from rsslib.workflow import parameters

CELL = """name = ""
profile = "scratch"
source: str = 'campus'
stage: str | list = "one"
n, train = 3, 400
rate, margin = 5.0e-4, -25.0
real = False
splits = ["random", "grid2"]
sizes, shares, flags = [2, 5], [1, 2.5], [True]
others, mixed, pair = [], ["a", 1], (1, 2)
bias = None
threads = 2
computed = 2 * 3
declared: int
first = second = "both"
a, b = some_function()
"""


@pytest.fixture
def notebook(tmp_path):
    def write(cell=CELL, tags=("parameters",)):
        path = tmp_path / "tiny.ipynb"
        cells = [{"cell_type": "markdown", "metadata": {"tags": ["parameters"]}, "source": "no code ("},
                 {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": cell},
                 {"cell_type": "code", "source": "x = ("}]
        path.write_text(json.dumps({"cells": cells}))
        return path
    return write


@pytest.fixture
def tiny(notebook):
    return notebook()


@pytest.mark.parametrize("typed, value", [
    ("name=", ""), ("name=007", "007"), ("name=a=b", "a=b"), ("source= x ", " x "), ("source=[1", "[1"),
    ("source=null", "null"),
    ("source=a\\nb", "a\\nb"), ('source="x"', '"x"'), ("source=ünï", "ünï"), ("first=no", "no"), ("second=1", "1"),
    ("stage=two", "two"), ("stage=[one, two]", ["one", "two"]), ("stage=[one", "[one"), ("stage=[]", []),
    ("n=4", 4), ("n=-4", -4), ("n=+7", 7), ("n= 7 ", 7), ("train=9223372036854775807", 2**63 - 1),
    ("rate=5e-4", 5e-4), ("rate=5", 5.0), ("rate=-1E3", -1000.0), ("rate=.5", 0.5), ("margin=1e300", 1e300),
    ("real=true", True), ("real=True", True), ("real=FALSE", False),
    ("splits=[random,grid2]", ["random", "grid2"]), ("splits=[ 'a b' , \"c, d\",e ]", ["a b", "c, d", "e"]),
    ("splits=[]", []),
    ("splits=[ ]", []), ("splits=[007, no, 12:30,]", ["007", "no", "12:30"]), ('splits=[""]', [""]),
    ("splits=[/data/run #2/m.nc]", ["/data/run #2/m.nc"]), ("sizes=[3, 4]", [3, 4]), ("shares=[1, .5]", [1.0, 0.5]),
    ("flags=[true,false]", [True, False]), ("others=[sydney, 16, 1.5, 007, '16', no]", ["sydney", 16, 1.5, "007", "16",
                                                                                        "no"]),
    ("mixed=[b, 2]", ["b", 2]), ("pair=[3, 4]", [3, 4]), ("bias=none", None), ("bias=null", None), ("bias=-6.0", -6.0),
    ("bias=3", 3), ("threads=1024", 1024)])
def test_what_is_typed_is_read_as_the_default_is(tiny, typed, value):
    merged = parameters.merge(tiny, overrides=[typed])
    assert merged == {typed.partition("=")[0]: value}
    kept, = merged.values()
    assert type(kept) is type(value)
    if isinstance(value, list):
        assert list(map(type, kept)) == list(map(type, value))


@pytest.mark.parametrize("typed, wanted", [
    *((f"n={text}", "a whole number below 2..63") for text in (
        "", "abc", "2.5", "1e3", "0x10", "true", "none", "9" * 20, "9" * 5000, "1__0",
        "1_000", "007", "0o17", "١", "[1]")),
    *((f"rate={text}", "a finite number") for text in (
        "", "abc", "nan", "inf", "-Infinity", "1e999", "12:30", "12:30:45", "1,5", "1_000.5", "00.5", "0x1F", "true")),
    *((f"real={text}", "true or false") for text in ("", "yes", "no", "1", "0", "on", "t", "none")),
    *((f"splits={text}", "a list, such as .a, b., each text") for text in (
        "", "random", "[random", "random]", "[[a]]", "[a,,b]", "[,a]", "['a]", "['a'b]", "]", "[", "a, b")),
    *((f"sizes={text}", "a list, such as .a, b., each a whole number") for text in ("[a]", "[2.5]", "['2']", "[true]",
                                                                                    "2")),
    *((f"others={text}", "a list, such as .a, b., as") for text in ("sydney", "[[1]]", "[{a: 1}, b")),
    *((f"bias={text}", "a finite number or none") for text in ("", "abc", "nan", "inf", "1e999", "true", "[1]")),
    *((f"{name}=6", "a text, a number or a list of them from a section of params.yaml") for name in ("computed",
                                                                                                     "declared", "a")),
    ("name=\udcff", "text in UTF-8"), ("stage=[one, 'x]", "text in UTF-8, or a list")])
def test_what_is_no_such_value_names_parameter_value_and_type(tiny, typed, wanted):
    name, _, text = typed.partition("=")
    with pytest.raises(InputError) as error:
        parameters.merge(tiny, overrides=[typed])
    assert str(error.value).startswith(f"command line: `{name}` is {text!r}; expected ")
    assert "tiny.ipynb, " in str(error.value)
    with pytest.raises(InputError, match=f"; expected {wanted}"):
        parameters.merge(tiny, overrides=[typed])


@pytest.mark.parametrize("typed", ["=3", "n", "", "-n=3", "a b=3", "n =3"])
def test_what_is_no_pair_is_refused(tiny, typed):
    with pytest.raises(InputError, match="command line: expected key=value, got "):
        parameters.merge(tiny, overrides=[typed])


@pytest.mark.parametrize("name", ["", "..", ".", "../../x", "/x", "a/b", "a\\b", ".git", "a\nb", " a", "x" * 200])
def test_a_folder_is_named_not_a_path(tiny, name):
    for given in ({"profile": name}, {"name": name or ".."}):
        for call in (lambda given=given: parameters.check(tiny, given),
                     lambda given=given: parameters.merge(tiny,
                                                          overrides=[f"{key}={text}" for key, text in given.items()])):
            with pytest.raises(InputError, match="expected the name of a folder: no path, not hidden"):
                call()
    assert parameters.check(tiny, {"name": "", "profile": "12:30"}) == {"name": "", "profile": "12:30"}


@pytest.mark.parametrize("threads", [0, -1, 1025, 4_000_000])
def test_threads_that_no_machine_starts_are_refused(tiny, threads):
    with pytest.raises(InputError, match=f"`threads` is {threads}; expected 1 to 1024"):
        parameters.merge(tiny, overrides=[f"threads={threads}"])


PARAMS = """
profiles: [quick]
base: &base {profile: quick, n: 4}
quick: {<<: *base, n: 5, rate: 1, stage: [one, two], splits: [a], bias: ~, computed: {0}}
train: {quick: {source: no, name: 12:30}}
"""


def _sections(tmp_path, text, *names):
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return parameters.merge(tmp_path / "tiny.ipynb", names, params=path)


@pytest.mark.parametrize("text", ["0x1F", "0o17", "0b11", "010", "1_000", "12:30:45", "1_000.5"])
@pytest.mark.parametrize("name", ["n", "rate", "bias"])
def test_what_readers_of_yaml_take_for_other_numbers_is_refused_alike(tiny, tmp_path, name, text):
    with pytest.raises(InputError, match=f"section `base`: `{name}` is '{text}'; expected a"):
        _sections(tmp_path, f"base: {{{name}: {text}}}", "base")
    with pytest.raises(InputError, match=f"command line: `{name}` is '{text}'; expected a"):
        parameters.merge(tiny, overrides=[f"{name}={text}"])
    assert _sections(tmp_path, f"base: {{source: {text}}}", "base") == {"source": text}


def test_sections_are_yaml_as_dvc_reads_it(tiny, tmp_path):
    merged = _sections(tmp_path, PARAMS.replace("{0}", "9"), "base", "quick", "train.quick")
    assert merged == {"profile": "quick", "n": 5, "rate": 1.0, "stage": ["one", "two"], "splits": ["a"], "bias": None,
                      "computed": 9, "source": "no", "name": "12:30"}
    assert type(merged["rate"]) is float


@pytest.mark.parametrize("text, message", [
    ("", "no section `quick`; top-level sections are none"), ("- quick", "no section `quick`"),
    ("quick", "no section `quick`"),
    ("1: {n: 2}", "top-level sections are 1"), ("quick: [n", "broken .*line 2"), ("quick: {n: 1}\n\tx: 2", "line 2"),
    (b"quick: {n: \xff}", "not UTF-8"), ("quick: {n: 1, n: 2}", "'n' stands twice"),
    ("quick: {n: 1}\nquick: {n: 2}", "'quick' stands twice"), ("quick: {<<: 5}", "`<<` is not a mapping"),
    ("quick: &a {<<: *a, n: 1}", "alias"), ("quick: &a [*a]", "alias of itself"),
    ("quick: *nowhere", "undefined alias"),
    ("quick: !!python/object:os.system {}", "tag"), ("quick: ", "`quick` is a value"),
    ("quick: 3", "`quick` is a value"),
    ("quick: {n: {a: 1}}", "holds sections; name one, such as `quick.n`"), ("quick: {m: 1}", "unknown parameter `m`"),
    ("quick: {1: 1}", "unknown parameter `1`"), ("quick: {profile: }", "`profile` is None; expected text"),
    ("quick: {profile: ../x}", "`profile` is '../x'; expected the name of a folder"),
    ("quick: {profile: 7}", "`profile` is 7; expected text"),
    ("quick: {n: abc}", "section `quick`: `n` is 'abc'; expected a whole"),
    ("quick: {n: 2.0}", "`n` is 2.0; expected a whole number"), ("quick: {n: true}", "`n` is True"),
    ("quick: {n: [3]}", "`n` is .3."),
    ("quick: {rate: .nan}", "`rate` is nan; expected a finite"), ("quick: {rate: .inf}", "`rate` is inf"),
    ("quick: {rate: '1'}", "`rate` is '1'"), ("quick: {real: 1}", "`real` is 1; expected true or false"),
    ("quick: {real: yes}", "`real` is 'yes'"), ("quick: {splits: random}", "`splits` is 'random'; expected a list"),
    ("quick: {splits: [1]}", "`splits` is .1.; expected a list"),
    ("quick: {splits: [[a]]}", "`splits` is ..'a'..; expected a list"),
    ("quick: {others: [~]}", "`others` is .None."), ("quick: {n: !!timestamp 2022-07-05}", "`n` is datetime.date"),
    ("quick: {computed: !!timestamp 2022-07-05}", "`computed` is datetime.date"),
    ("quick: {computed: .nan}", "`computed` is nan"), ("quick: {source: [a]}", "`source` is .'a'.; expected text"),
    ("quick: {stage: [a, 1]}", "expected text in UTF-8, or a list")])
def test_a_wrong_section_is_named_with_its_file(tiny, tmp_path, text, message):
    with pytest.raises(InputError, match=f"(params.yaml|tiny.ipynb): .*{message}"):
        _sections(tmp_path, text, "quick")


def test_a_file_of_parameters_is_asked_for_where_a_section_is_named(tiny, tmp_path):
    assert parameters.merge(tiny, params=tmp_path / "none.yaml") == {}
    with pytest.raises(InputError, match="none.yaml: no such file"):
        parameters.merge(tiny, ["quick"], params=tmp_path / "none.yaml")


def test_the_names_of_a_notebook_are_those_of_its_cell_alone(tiny, notebook):
    assert list(parameters.read(tiny)) == [
        "name", "profile", "source", "stage", "n", "train", "rate", "margin", "real", "splits", "sizes", "shares",
        "flags", "others",
        "mixed", "pair", "bias", "threads", "computed", "declared", "first", "second", "a", "b"]
    with pytest.raises(InputError, match="unknown parameter `n`. Its cell tagged `parameters` has: nothing"):
        parameters.check(notebook(tags=()), {"n": 1})


@pytest.mark.parametrize("cell", ["n = (3", "n = 3\n  m = 4", "n = '", "\0", "n = " + "(" * 300,
                                  "n = " + "1+" * 5000 + "1",
                                  "n = " + "-" * 3000 + "1"])
def test_a_cell_that_is_not_python_is_named(notebook, cell):
    with pytest.raises(InputError, match="tiny.ipynb: "):
        parameters.read(notebook(cell))


def test_a_value_goes_into_the_notebook_as_it_is():
    from papermill.translators import PythonTranslator

    namespace = {}
    values = {"a": "\\ \" ' \n \r \t \u2028 {x} %s $HOME é 🌍 \\n", "b": [1, 2.5, True, None, "\""], "c": 5e-324,
              "d": -2**62}
    exec(PythonTranslator.codify(values), namespace)
    assert {key: namespace[key] for key in values} == values
