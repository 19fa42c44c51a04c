"""Receivers: names tell the kind of those of Utah, and which map and range each kind has."""

import pytest

from rsslib.data import receivers
from rsslib.project import InputError


@pytest.mark.parametrize(("name", "kind"), [
    ("cnode-mario-dd-b210", "cnode"),
    ("cbrssdr1-fm-comp", "cbrs"),
    ("cellsdr1-smt-comp", "cell"),
    ("law73-nuc2-b210", "nuc"),
    ("bus-4407", "bus")])
def test_names_tell_kinds(name, kind):
    assert receivers.sensor_kind(name) == kind


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match="receiver 'tram-1': unknown kind"):
        receivers.sensor_kind("tram-1")


@pytest.mark.parametrize("name", [None, 5, ["bus-1"], b"bus-1", ""])
def test_a_name_is_a_text(name):
    with pytest.raises(InputError, match="unknown kind"):
        receivers.sensor_kind(name)


def test_others_share_the_map_of_shuttles_and_every_kind_has_one():
    assert [receivers.map_number(kind) for kind in (*receivers.KINDS, receivers.OTHER)] == [0, 1, 2, 3, 4, 4]
    assert receivers.map_number("bus") == receivers.map_number(receivers.OTHER)


def test_a_receiver_is_foreign_unless_its_name_tells_its_kind():
    names = {"cnode-a": "cnode", "cbrssdr1-a": "cbrs", "cellsdr1-a": "cell", "a-nuc1-b210": "nuc", "bus-1": "bus"}
    assert not any(receivers.is_foreign(name, kind) for name, kind in names.items())
    assert all(receivers.is_foreign(name, "other") for name in names)
    assert all(receivers.is_foreign("gateway", kind) for kind in receivers.KINDS)
