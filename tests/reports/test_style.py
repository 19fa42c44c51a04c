"""The common look: one registry, the note and the banner, files that are equal byte for byte."""

import matplotlib
import pytest
from matplotlib import pyplot

from rsslib.project import InputError
from rsslib.reports import style


@style.styled
def drawn(synthetic=False):
    fig = style.page(style.COLUMN_IN, 2.0, "n = 1, smoke profile", synthetic)
    fig.subplots().plot([1, 2, 3])
    return fig


def texts(fig):
    return {text.get_text() for text in fig.findobj(matplotlib.text.Text)}


def test_every_look_has_its_own_colour_and_label():
    looks = {name: look for name, look in style.LOOKS.items() if name != "ood"}    # it shares "test"
    assert len({look.colour for look in looks.values()}) == len({look.label for look in looks.values()}) == len(looks)


@pytest.mark.parametrize("group", [("com", "pse", "emd"), ("july", "november", "hybrid"),
                                   ("max_prediction", "max_mean_prediction", "max_spread", "sum_spread"),
                                   ("single_stage", "two_stage_logit", "two_stage_binary")])
def test_what_is_compared_in_one_figure_differs_in_its_marker_too(group):
    assert len({style.LOOKS[name].marker for name in group}) == len(group)


def test_the_banner_stands_above_the_panels_and_takes_no_room_from_them():
    plain, marked, other = drawn(), drawn(synthetic=True), drawn(synthetic="stand-in cities")
    assert "n = 1, smoke profile" in texts(plain) and style.BANNER not in texts(plain)
    assert style.BANNER in texts(marked) and "stand-in cities" in texts(other)
    assert marked.get_figheight() == pytest.approx(plain.get_figheight() + 0.22)


def test_a_long_note_makes_room_for_its_lines():
    heights = [style.styled(style.page)(style.COLUMN_IN, 2.0, "word " * number).get_figheight() for number in (3, 60)]
    assert heights[1] > heights[0] + 0.2


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_saving_twice_gives_equal_bytes_whatever_the_users_settings(tmp_path, suffix):
    first = style.save(drawn(), tmp_path / f"a{suffix}").read_bytes()
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9}):
        assert style.save(drawn(), tmp_path / f"b{suffix}").read_bytes() == first
        assert matplotlib.rcParams["font.size"] == 20
    assert b"CreationDate" not in first and b"Software" not in first
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a{suffix}", f"b{suffix}"]


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="expected a name ending in .png or .pdf"):
        style.save(drawn(), tmp_path / "a.jpg")


def test_a_notebook_shows_the_figure_and_pyplot_holds_none():
    assert drawn()._repr_png_().startswith(b"\x89PNG")
    assert pyplot.get_fignums() == []
