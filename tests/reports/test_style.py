"""The common look: one registry, the note and the banner, files that are equal byte for byte."""

import io
import re
import zlib
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from PIL import Image

from rsslib.project import InputError
from rsslib.reports import style

NAMES = [name for name in style.LOOKS if name != "ood"]    # it shares "test"
TOLD = style.Told("What was found", "A line that rises from 1 to 3.")


@style.styled
def drawn(synthetic=False):
    fig = style.page(style.COLUMN_IN, 2.0, "n = 1, smoke profile", TOLD, synthetic)
    fig.subplots().plot([1, 2, 3])
    return fig


@style.styled
def varied(width=style.PAGE_IN):
    fig = style.page(width, 2.0, "n = 1", TOLD)
    fig.subplots()
    return fig


def texts(fig):
    return {text.get_text() for text in fig.findobj(matplotlib.text.Text)}


def test_every_look_has_its_own_colour_and_label():
    looks = {name: style.LOOKS[name] for name in NAMES}
    assert len({look.colour for look in looks.values()}) == len({look.label for look in looks.values()}) == len(looks)


BLIND = {"deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
         "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]}
"""What is left of linear red, green and blue: Machado, Oliveira, Fernandes 2009, severity 1."""
TO_XYZ = np.array([[0.4339, 0.3762, 0.1899], [0.2127, 0.7152, 0.0722], [0.0178, 0.1095, 0.8727]])    # over white, D65


def lab(colour, blind):
    """Return the CIELAB values of a colour as those with a colour vision deficiency see it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(TO_XYZ @ np.clip(np.array(BLIND[blind]) @ linear, 0, 1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("blind", BLIND)
@pytest.mark.parametrize("pair", sorted(combinations(NAMES, 2)), ids="-".join)
def test_every_two_looks_differ_to_the_colour_blind_or_in_their_marker(pair, blind):
    one, other = (style.LOOKS[name] for name in pair)
    apart = np.linalg.norm(lab(one.colour, blind) - lab(other.colour, blind))
    assert apart >= 15 or one.marker != other.marker, f"dE {apart:.0f}"


def test_the_banner_stands_above_the_panels_and_takes_no_room_from_them():
    plain, marked, other = drawn(), drawn(synthetic=True), drawn(synthetic="stand-in cities")
    assert "n = 1, smoke profile" in texts(plain) and style.BANNER not in texts(plain)
    assert style.BANNER in texts(marked) and "stand-in cities" in texts(other)
    assert marked.told.alt == f"Synthetic campus: not comparable with the paper. {TOLD.alt}" and plain.told == TOLD
    assert marked.get_figheight() == pytest.approx(plain.get_figheight() + 0.22)


def test_a_long_note_or_title_makes_room_for_its_lines():
    pages = [style.styled(style.page)(style.COLUMN_IN, 2.0, "word " * notes, style.Told("word " * titles, ""))
             for notes, titles in ((3, 3), (60, 3), (3, 30))]
    heights = [page.get_figheight() for page in pages]
    assert heights[1] > heights[0] + 0.2 and heights[2] > heights[0] + 0.2


def test_saving_twice_gives_equal_bytes_whatever_the_users_settings(tmp_path):
    for name in ("a", "b"):
        with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9} if name == "b" else {}):
            style.save(drawn(), tmp_path / f"{name}.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.png", "b.pdf", "b.png"]
    for suffix in (".png", ".pdf"):
        first, second = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("a", "b"))
        assert first == second and b"CreationDate" not in first and b"Software" not in first


def test_a_figure_keeps_its_title_and_its_alternative_text_wherever_it_goes(tmp_path):
    assert TOLD.title in texts(drawn())
    path = style.save(drawn(), tmp_path / "a.png")
    with Image.open(path) as image:
        assert image.text["Description"] == TOLD.alt and image.text["Title"] == TOLD.title
    assert TOLD.alt.encode() in path.with_suffix(".pdf").read_bytes()
    picture, metadata = drawn()._repr_png_()
    assert picture.startswith(b"\x89PNG") and metadata == {"alt": TOLD.alt} and TOLD.alt in repr(drawn())
    assert pyplot.get_fignums() == []


def test_a_pdf_holds_its_letters_without_how_they_join(tmp_path):
    path = style.save(drawn(), tmp_path / "figure.png").with_suffix(".pdf")
    streams = [zlib.decompress(stream) for stream in re.findall(rb"FlateDecode.*?stream\n(.*?)\nendstream",
                                                                path.read_bytes(), re.DOTALL)]
    fonts = [TTFont(io.BytesIO(stream)) for stream in streams if stream.startswith(b"\0\1\0\0")]
    assert fonts and not [font for font in fonts if {"GDEF", "GPOS", "GSUB"} & {*font.keys()}]
    assert max(font["maxp"].numGlyphs for font in fonts) > len(set(TOLD.title))


def test_a_figure_that_takes_a_width_has_a_variant_of_one_column(tmp_path):
    assert varied().get_figwidth() == style.PAGE_IN and varied().column().get_figwidth() == style.COLUMN_IN
    style.save(varied(), tmp_path / "a.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.png", "a_column.pdf"]
    assert drawn().column is None


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="expected a name ending in .png"):
        style.save(drawn(), tmp_path / "a.jpg")


@pytest.mark.parametrize("title", ["WWWW MMMM " * 12, "a $x$ and a dollar $ " * 6, "one " * 60])
@pytest.mark.parametrize("width", [style.COLUMN_IN, style.PAGE_IN])
def test_no_text_of_a_page_leaves_it(title, width):
    fig = style.styled(style.page)(width, 2.0, title, style.Told(title, "alt"), title)
    fig.draw_without_rendering()
    assert {text.get_window_extent().x1 <= fig.bbox.x1 and text.get_window_extent().x0 >= 0
            for text in fig.texts} == {True}


@style.styled
def of_records(records, pairs, note="n"):
    return style.page(style.COLUMN_IN, 1.0, note, TOLD)


@pytest.mark.parametrize("records, reason", [
    ([], "there are none"), ({}, "there are none"), ([{"not_run": "it was not trained"}], "it was not trained"),
    ([{"n": 1}, {"not_run": "half was not trained"}], "half was not trained")])
def test_a_figure_refuses_records_that_it_cannot_draw_and_names_them(records, reason):
    with pytest.raises(InputError, match=f"of_records: records: no records to draw or to tell of, since {reason}"):
        of_records(pairs=[], records=records)
    assert of_records([{"n": 1}], []).told == TOLD    # what stands beside the records may be empty
