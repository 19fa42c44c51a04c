"""The figure of two transmitters: values, the line of two fixed locations, both widths."""

import pytest
from matplotlib.colors import same_color
from matplotlib.text import Text

from rsslib.ledger import results
from rsslib.reports import style
from rsslib.reports.emitters_paper import figures
from rsslib.reports.emitters_paper.two_transmitters import TOGETHER

NOTE = "n = 5, smoke profile"
SETS, METHODS = ("one transmitter", "two transmitters"), ("trained on sums", "two peaks")
RECORDS = [{"method": method, "set": name, "n": 5, "count_accuracy": 0.6 + rank / 10, "ci95_count_accuracy": [0.5, 0.8],
            "two_taken_median_m": 310.0 + rank, "ci95_two_taken_median_m": [250.0, 350.0]}
           for name in SETS for rank, method in enumerate(METHODS)]
RECORDS += [{"method": "two fixed places", "set": SETS[1], "n": 5, "two_taken_median_m": 300.0,
             "ci95_two_taken_median_m": [280.0, 320.0]}]
PAIRS = [{"left_method": METHODS[0], "right_method": METHODS[1], "set": name, "n": 9, "n_both_right": 7,
          "count_accuracy": -0.1, "ci95_count_accuracy": [-0.2, 0.1],
          "both_right_median_m": 2.0, "ci95_both_right_median_m": [1.0, 3.0],
          "two_taken_median_m": -1.0, "ci95_two_taken_median_m": [-9.0, 9.0]} for name in SETS]
PAIRS += [{"left_method": method, "right_method": "two fixed places", "set": SETS[1], "n": 9,
           "two_taken_median_m": 10.0, "ci95_two_taken_median_m": [-9.0, 29.0]} for method in METHODS]


def draw(**options):
    return figures.two_transmitters(RECORDS, PAIRS, NOTE, **options)


def texts(fig):
    return [text.get_text() for text in fig.findobj(Text)]


@pytest.mark.parametrize("width", [style.PAGE_IN, style.COLUMN_IN])
def test_at_either_width_nothing_is_cut_and_no_panel_meets_the_title(width):
    fig, marked = draw(width=width), draw(width=width, synthetic=True)
    assert len(fig.axes) == 2 and NOTE in texts(fig) and style.BANNER not in texts(fig)
    assert style.BANNER in texts(marked) and marked.get_figwidth() == width
    style.styled(marked.draw_without_rendering)()
    head = next(text for text in marked.texts if text.get_fontsize() == 8).get_window_extent()
    for part in [ax.get_tightbbox() for ax in marked.axes] + [legend.get_window_extent() for legend in marked.legends]:
        assert part.x0 >= -1 and part.x1 <= marked.bbox.x1 + 1 and part.y0 >= -1 and part.y1 <= head.y0


def test_the_methods_wear_their_own_looks_and_the_fixed_pair_is_a_line_in_its_interval():
    counts, errors = draw().axes
    drawn = [(line.get_ydata()[0], line.get_color(), line.get_marker()) for line in counts.lines
             if len(line.get_ydata()) == 1]
    for value, colour, marker in drawn:
        look = style.LOOKS[METHODS[0] if value == pytest.approx(60) else METHODS[1]]
        assert same_color(colour, look.colour) and marker == look.marker
    assert len(drawn) == 4
    assert {"two fixed locations,\nno measurement used: 300 m", "60", "70", "310", "311"} <= set(texts(draw()))
    assert not any("places" in text for text in texts(draw())) and "places" not in draw().told.alt
    assert not any("ours" in text for text in texts(draw()))    # nothing is printed that it could be told from
    band = [patch for patch in errors.patches if patch.get_alpha()]
    assert [(patch.get_y(), patch.get_height()) for patch in band] == [(280, 40)]


def test_errors_without_an_interval_can_be_drawn():
    few = [{key: value for key, value in record.items() if key != "ci95_two_taken_median_m"} for record in RECORDS]
    assert {"310", "311"} <= set(texts(figures.two_transmitters(few, PAIRS, NOTE)))


@pytest.mark.parametrize("profile", ["smoke", "quick"])
def test_the_records_in_the_tree_can_be_drawn(profile):
    records, pairs = (results.read(profile, name)["records"] for name in ("two_transmitters", "two_transmitters_pairs"))
    counts, errors = figures.two_transmitters(records, pairs, NOTE).axes
    shown = {round(100 * row["count_accuracy"]) for row in records
             if "count_accuracy" in row and row["method"] != TOGETHER}
    assert {int(text.get_text()) for text in counts.texts} == shown
    assert len(errors.texts) == len(METHODS) + 1    # and our own
