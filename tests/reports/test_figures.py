"""Figures: each returns its panels, says what it must, saves to equal bytes and refuses bad input."""

import functools

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from rsslib.data import campus, splits
from rsslib.data.grid import Grid
from rsslib.project import InputError
from rsslib.reports import style
from rsslib.reports.confidence_paper import figures

GRID = Grid(1000.0, 2000.0, 41, 37, 30.0)
TRUTH = GRID.to_metres(12.2, 20.4)
NOTE = "n = 1, smoke profile"


def blob(column, row, spread=1.2, height=0.5):
    """A Gaussian of `spread` pixels."""
    rows, columns = np.indices(GRID.shape)
    return height * np.exp(-((columns - column) ** 2 + (rows - row) ** 2) / (2 * spread**2))


def sensor_image(background):
    image = np.full(GRID.shape, background)
    image[[3, 9, 30], [5, 30, 12]] = 0.2, 0.5, 0.9
    return image


def pipeline(**options):
    arguments = {"sensor_image": sensor_image(np.nan), "prediction_image": blob(13, 20), "truth": TRUTH,
                 "prediction": GRID.to_metres(13, 20), "grid": GRID, "note": NOTE}
    return figures.pipeline(**arguments | options)


def loss_outputs(**options):
    images = {"com": blob(20, 15, 8), "pse": blob(14, 20), "emd": blob(12, 21)}
    arguments = {"images": images, "truth": TRUTH, "decoded": dict.fromkeys(images, TRUTH), "grid": GRID,
                 "note": NOTE}
    return figures.loss_outputs(**arguments | options)


def ambiguous(**options):
    sensors = [(1100.0, 2300.0, -80.0), (1900.0, 2900.0, -55.0)]
    arguments = {"image": blob(12, 20) + blob(30, 8), "sensors_xy_value": sensors, "truth": TRUTH,
                 "peaks": [(*TRUTH, 0.61), (*GRID.to_metres(30, 8), 0.37)], "grid": GRID, "note": NOTE}
    return figures.ambiguous(**arguments | options)


def training_curves(epochs=90, **options):
    keys = [f"{name}_single_median_m" for name in ("train", "val", "ood")]

    def history(end):
        return [{"epoch": epoch, **dict.fromkeys(keys, end + 300 / epoch)} for epoch in range(1, epochs + 1)]

    arguments = {"histories": {"com": history(60.0), "emd": history(61.0)}, "note": NOTE}
    return figures.training_curves(**arguments | options)


def records(**more):
    return [{"loss": loss, "split": split, "set": name, "median_m": 100.0 + 10 * row, "ci95_m": [90.0, 140.0],
             "n": 70, **more}
            for split in ("random", "july", "november", "grid2", "grid5")
            for row, loss in enumerate(("com", "pse", "emd"))
            for name in ("val", splits.report_set(split))]


def table2(**options):
    return figures.table2(**{"records": records(), "paper": None, "note": NOTE} | options)


def error_cdf(**options):
    errors = {loss: np.linspace(1, end, 50) for loss, end in (("com", 300), ("pse", 400), ("emd", 200))}
    return figures.error_cdf(**{"errors_by_loss": errors, "note": NOTE} | options)


DRAWN = {"pipeline": (pipeline, 5), "loss_outputs": (loss_outputs, 6), "ambiguous": (ambiguous, 2),
         "training_curves": (training_curves, 3), "table2": (table2, 1), "error_cdf": (error_cdf, 1)}


@functools.cache
def plain(name):
    return DRAWN[name][0]()


def texts(fig):
    """All texts of a figure, its legends included."""
    return [text.get_text() for text in fig.findobj(matplotlib.text.Text)]


@pytest.mark.parametrize("name", DRAWN)
def test_figures_have_their_panels_the_note_and_no_banner(name):
    fig, panels = plain(name), DRAWN[name][1]
    assert isinstance(fig, Figure) and len(fig.axes) == panels
    assert NOTE in texts(fig) and figures.BANNER not in texts(fig)


@pytest.mark.parametrize("name", DRAWN)
def test_the_synthetic_banner_stands_on_top_and_takes_no_room_from_the_panels(name):
    marked = DRAWN[name][0](synthetic=True)
    assert figures.BANNER in texts(marked)
    assert marked.get_figheight() == pytest.approx(plain(name).get_figheight() + 0.22)


@pytest.mark.parametrize("name", DRAWN)
def test_saving_twice_gives_equal_bytes_and_small_files(name, tmp_path):
    first = figures.save(DRAWN[name][0](), tmp_path / "a.png")
    second = figures.save(plain(name), tmp_path / "b.png")
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_bytes()) < 400_000 and b"Software" not in first.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_the_users_own_settings_neither_change_a_figure_nor_are_changed(tmp_path):
    usual = figures.save(plain("error_cdf"), tmp_path / "a.png").read_bytes()
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9}):
        assert figures.save(error_cdf(), tmp_path / "b.png").read_bytes() == usual
        assert matplotlib.rcParams["font.size"] == 20


def test_a_notebook_shows_the_figure_and_pyplot_holds_none():
    from matplotlib import pyplot

    assert error_cdf()._repr_png_().startswith(b"\x89PNG")
    assert pyplot.get_fignums() == []


def test_pdf_is_undated_and_other_suffixes_are_refused(tmp_path):
    content = figures.save(error_cdf(), tmp_path / "a.pdf").read_bytes()
    assert b"CreationDate" not in content
    with pytest.raises(InputError, match="expected a name ending in .png or .pdf"):
        figures.save(plain("error_cdf"), tmp_path / "a.jpg")


def test_colours_are_fixed_for_every_loss_and_set_and_differ():
    assert set(style.LOSS_COLOUR) == set(style.LOSSES) and set(style.SET_COLOUR) == set(style.SETS)
    assert len(set(style.LOSS_COLOUR.values())) == 3
    assert style.SET_COLOUR["test"] == style.SET_COLOUR["ood"]


@pytest.fixture(scope="module")
def site():
    """A campus with transmitters in the unseen cells of Grid5."""
    return campus.make(n_april=60, n_july=320, n_november=80)


@pytest.fixture(scope="module")
def sets(site):
    return {name: splits.make(site, name) for name in ("random", "july", "grid2", "grid5")}


def test_split_maps_count_the_sets_and_have_scale_bar_and_north(site, sets):
    fig = figures.split_maps(site, sets, NOTE, synthetic=True)
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["Random", "Seasonal", "Grid2", "Grid5"]
    shown = texts(fig)
    assert shown.count("N") == 4 and shown.count("200 m") == 4
    assert f"OOD test {len(sets['grid2']['ood'])}, shaded cells" in shown
    assert "July 320" in shown and "November 80" in shown and f"train {len(sets['random']['train'])}" in shown
    assert figures.BANNER in shown


def test_split_maps_shade_the_unseen_cells(site, sets):
    grid2, grid5 = figures.split_maps(site, {key: sets[key] for key in ("grid2", "grid5")}, NOTE).axes
    assert (len(grid2.patches), len(grid5.patches)) == (1, 5)


def test_split_maps_wrap_after_four(site, sets):
    assert len(figures.split_maps(site, sets | {"grid3": splits.make(site, "grid3")}, NOTE).axes) == 8


def test_split_maps_refuse_bad_input(site, sets):
    with pytest.raises(InputError, match="no split given"):
        figures.split_maps(site, {}, NOTE)
    with pytest.raises(InputError, match="unknown split 'spring'"):
        figures.split_maps(site, {"spring": sets["random"]}, NOTE)
    with pytest.raises(InputError, match="'ood' is missing"):
        figures.split_maps(site, {"grid2": sets["random"]}, NOTE)
    with pytest.raises(InputError, match="pass the seed"):
        figures.split_maps(site, {"grid5": sets["grid5"]}, NOTE, seed=5)


def test_pipeline_takes_nan_or_zero_where_no_sensor_is_drawn():
    for background in (np.nan, 0.0):
        sensors = pipeline(sensor_image=sensor_image(background)).axes[0].collections[0]
        assert len(sensors.get_offsets()) == 3


def test_pipeline_reads_the_place_both_ways():
    shown = texts(pipeline(prediction_image=blob(12, 20), truth=GRID.to_metres(12.0, 20.0)))
    assert "centre of mass: 0 m off" in shown and "largest pixel: 0 m off" in shown


def test_images_must_be_on_the_grid():
    for draw, name in ((pipeline, "sensor_image"), (pipeline, "prediction_image"), (ambiguous, "image")):
        with pytest.raises(InputError, match="expected an image of"):
            draw(**{name: np.ones((3, 4))})
    with pytest.raises(InputError, match="at least one above 0"):
        ambiguous(image=np.zeros(GRID.shape))


def test_loss_outputs_need_all_three_losses():
    with pytest.raises(InputError, match="'pse' is missing"):
        loss_outputs(images={"com": blob(3, 3), "emd": blob(3, 3)})
    with pytest.raises(InputError, match="decoded: 'com' is missing"):
        loss_outputs(decoded={"pse": TRUTH, "emd": TRUTH})


def test_loss_outputs_enlarge_the_peaks_of_pse_and_emd():
    com, pse, emd = loss_outputs().axes[:3]
    assert [len(ax.child_axes) for ax in (com, pse, emd)] == [0, 1, 1]


def test_ambiguous_letters_its_peaks_with_their_shares():
    shown = texts(ambiguous())
    assert "A  61 %" in shown and "B  37 %" in shown
    with pytest.raises(InputError, match="at least two peaks"):
        ambiguous(peaks=[(*TRUTH, 1.0)])
    with pytest.raises(InputError, match="expected sensors"):
        ambiguous(sensors_xy_value=[(1.0, 2.0)])


@pytest.mark.parametrize("epochs", [1, 5, 90])
def test_training_curves_name_their_ends_without_overlap(epochs):
    fig = training_curves(epochs)
    for ax in fig.axes:
        low, high = sorted(text.xy[1] for text in ax.texts)
        assert high - low > 0.08
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["Train", "Validation", "OOD test"]


def test_training_curves_refuse_bad_histories():
    with pytest.raises(InputError, match="com, record 0: 'train_single_median_m' is missing"):
        training_curves(histories={"com": [{"epoch": 1}]})
    for histories in ({}, {"mse": []}, {"com": []}):
        with pytest.raises(InputError, match="training_curves"):
            training_curves(histories=histories)


def test_table2_shows_the_paper_beside_ours_and_seconds_where_timed():
    alone, beside = table2(), table2(paper={("emd", "grid2"): 277.5})
    assert len(beside.axes[0].lines) == len(alone.axes[0].lines) + 1
    assert len(alone.axes[0].lines) == 30    # an interval and a median in each of 15 cells; no other set
    assert len(table2(records=records(seconds_per_epoch=2.0)).axes) == 2
    assert "Nov→July\nn = 70" in texts(alone)


def test_table2_draws_the_splits_there_are():
    few = [record for record in records() if record["split"] in ("random", "grid2")]
    labels = [label.get_text() for label in table2(records=few).axes[0].get_xticklabels()]
    assert labels == ["Random\nn = 70", "Grid2\nn = 70"]


def test_table2_refuses_what_it_cannot_compare():
    with pytest.raises(InputError, match="not comparable"):
        table2(paper={("emd", "grid2"): 277.5}, synthetic=True)
    with pytest.raises(InputError, match="losses on grid5: 'emd' is missing"):
        table2(records=records()[:-2])
    with pytest.raises(InputError, match="given twice"):
        table2(records=records() + records())
    with pytest.raises(InputError, match="record 0: 'ci95_m' is missing"):
        table2(records=[{"loss": "emd", "split": "grid2", "set": "ood", "median_m": 1.0}])
    with pytest.raises(InputError, match="no record"):
        table2(records=[])


def test_error_cdf_has_a_panel_for_each_split():
    errors = {"emd": np.arange(1.0, 9.0)}
    fig = error_cdf(errors_by_loss={"Random": errors, "Grid2": errors, "Grid5": errors})
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["Random", "Grid2", "Grid5"]
    assert texts(fig).count("EMD 4 m") == 3      # the median, 4.5 m


def test_error_cdf_refuses_errors_that_are_none():
    for errors in ([], [-1.0], [np.nan]):
        with pytest.raises(InputError, match="finite and not negative"):
            error_cdf(errors_by_loss={"emd": errors})
    for errors in ({}, {"mse": [1.0]}):
        with pytest.raises(InputError, match="expected losses"):
            error_cdf(errors_by_loss=errors)


def test_speed_has_a_panel_for_each_goal_and_fills_the_dots_that_meet_it(tmp_path):
    ratios = [{"name": "CPU", "ratio": 1.02, "against": "com"},
              {"name": "GPU", "ratio": 1.2, "against": "com"},
              {"name": "50 slices", "ratio": 61.0, "against": "pot"}]
    fig = figures.speed(ratios, NOTE)
    step, slices = fig.axes
    filled = [line.get_markerfacecolor() != "white" for line in step.lines if line.get_marker() == "o"]
    assert filled == [True, False]
    shown = texts(fig)
    assert "paper 5.5 " in shown and " goal: at most 1.05 " in shown and " goal: at least 40 " in shown
    assert len(figures.speed(ratios[:1], NOTE).axes) == 1
    assert figures.save(fig, tmp_path / "speed.png").stat().st_size < 400_000


def test_speed_refuses_bad_ratios():
    for record in ({"name": "CPU", "ratio": 1.0}, {"name": "CPU", "ratio": 1.0, "against": "pse"},
                   {"name": "CPU", "ratio": 0.0, "against": "com"}):
        with pytest.raises(InputError, match="speed, record 0"):
            figures.speed([record], NOTE)
    with pytest.raises(InputError, match="no records"):
        figures.speed([], NOTE)
