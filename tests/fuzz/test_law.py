"""The law finds what it looks for: doors with planted faults, each of which must be caught."""

import contextlib
import threading
import time
import warnings

import numpy as np
import pytest

from rsslib.project import InputError, InputWarning, write_json

from .explore import explored
from .law import HANG, PARTIAL, REFUSED, TRACEBACK, UNNAMED, VALID, WARNED, WRONG, Call, judged


def _finite(value) -> str:
    return "" if np.isfinite(value) else "not a number"


def _refuse(path):
    raise InputError(f"{path.name}: no number")


def _swallow():
    while True:
        try:
            time.sleep(0.01)
        except Exception:    # noqa: S110, the fault
            pass


def _fill(path):
    with path.open("wb") as file:
        file.truncate(2**40)
    return 1.0


def _half(path):
    path.with_name(".a.1234.json").write_text("{")
    _refuse(path)


def _begun(path):
    path.write_text("[1,")
    _refuse(path)


def _edited(path):
    path.write_text("2")
    return 1.0


def _in_a_thread():
    thread = threading.Thread(target=lambda: {}["key"])
    thread.start()
    thread.join()
    return 1.0


def _warned(category):
    warnings.warn("70 % of the readings are clipped", category, stacklevel=2)
    return 1.0


def _shell(code):
    raise SystemExit(code)


def _silent(path):
    raise InputError("no number")


PLANTED = {
    "returns a number": (lambda path: 1.0, VALID), "refuses by name": (_refuse, REFUSED),
    "writes its file": (lambda path: write_json(path, 1) and 1.0, VALID),
    "warns of odd input": (lambda path: _warned(InputWarning), VALID),
    "raises KeyError": (lambda path: {}["key"], TRACEBACK),
    "raises a ValueError that is no InputError": (lambda path: float("a"), TRACEBACK),
    "raises in a thread": (lambda path: _in_a_thread(), TRACEBACK),
    "ends the process": (lambda path: _shell(1), TRACEBACK),
    "takes all memory": (lambda path: np.ones(10**11), TRACEBACK),
    "fills the disk": (_fill, TRACEBACK),
    "hangs": (lambda path: time.sleep(60), HANG),
    "hangs and catches everything": (lambda path: _swallow(), HANG),
    "answers late": (lambda path: time.sleep(0.35) or 1.0, HANG),
    "leaves a temporary file": (_half, PARTIAL),
    "leaves half of its file": (_begun, PARTIAL),
    "returns NaN": (lambda path: float("nan"), WRONG),
    "returns what cannot be used": (lambda path: "a", WRONG),
    "names nothing": (_silent, UNNAMED),
    "warns otherwise": (lambda path: _warned(UserWarning), WARNED),
    "divides by zero": (lambda path: (np.ones(1) / np.zeros(1)).sum() and 1.0, WARNED)}


@pytest.mark.parametrize("name", PLANTED)
def test_each_outcome_is_told_from_the_others(name, tmp_path):
    run, kind = PLANTED[name]
    path = tmp_path / "a.json"
    outcome = judged(Call(lambda: run(path), ["a.json"], _finite, [path]), tmp_path, seconds=0.3)
    assert outcome.kind == kind, outcome


def test_an_input_file_must_stay_as_it_is(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("1")
    assert judged(Call(lambda: _edited(path), ["a.json"], _finite), tmp_path).kind == PARTIAL
    assert judged(Call(lambda: path.unlink() or 1.0, ["a.json"], _finite), tmp_path).kind == PARTIAL


@pytest.mark.parametrize("message, named", [
    ("n is 3; expected 5", True), ("a file: `n` must be 5", True), ("expected a number, n at least 1", False),
    ("no sample in the set", False)])
def test_a_letter_names_an_argument_only_where_it_stands_as_one(message, named, tmp_path):
    def refuse():
        raise InputError(message)
    assert judged(Call(refuse, ["n"], _finite), tmp_path).kind == (REFUSED if named else UNNAMED)


@pytest.mark.parametrize("fault, kind", [
    (lambda value: {"3": 1.0}[str(value)], TRACEBACK),
    (lambda value: 1.0 if str(value) == "3" else float("nan"), WRONG)])
def test_mutations_reach_a_fault_behind_the_valid_input(fault, kind, tmp_path):
    def door(m):
        given = m.arguments(0.9, value=3)
        return Call(lambda: fault(given["value"]), ["value"], _finite)
    tally = explored(door, tmp_path)
    assert tally.kinds[VALID] and tally.kinds[kind] and tally.faults()


def test_a_door_that_refuses_its_valid_input_has_a_fault(tmp_path):
    tally = explored(lambda m: Call(lambda: _refuse(tmp_path / "a.json"), ["a.json"], _finite), tmp_path)
    assert "nothing changed" in tally.faults()[0]
    tally = explored(lambda m: Call(lambda: 1.0, [], _finite), tmp_path)
    assert tally.faults() == [] and set(tally.kinds) == {VALID}


def test_damage_of_a_file_is_told_and_found(tmp_path):
    """A reader without a check takes damaged bytes; one with a check refuses them all."""
    def door(read):
        def prepare(m):
            path = m.file("a.bin", b"0123456789" * 20)
            return Call(lambda: read(path), [path.name], lambda same: "" if same else "another content")
        return prepare

    def checked(path):
        with contextlib.suppress(OSError, ValueError):    # such as a name that is too long, or holds a null
            if path.read_bytes() == b"0123456789" * 20:
                return True
        _refuse(path)
    assert explored(door(checked), tmp_path).faults() == []
    careless = explored(door(lambda path: path.read_bytes() == b"0123456789" * 20), tmp_path)
    assert careless.kinds[WRONG] >= 3 and any("bytes: " in fault for fault in careless.faults())
