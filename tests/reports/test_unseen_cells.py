"""The unseen region: its cells, and how deep in it a location lies."""

import numpy as np
import pytest
import scipy.stats
import shapely

from rsslib.data import splits
from rsslib.data.grid import transmitters
from rsslib.reports.confidence_paper import unseen_cells


@pytest.mark.parametrize("n", [2, 3])
def test_the_region_holds_the_ood_samples_and_no_other(campus, n):
    area = unseen_cells.region(campus, n)
    sets = splits.make(campus, f"grid{n}")
    x, y = transmitters(campus)
    inside = shapely.contains_xy(area, x, y)
    assert inside[sets["ood"]].all() and not inside[np.concatenate([sets["train"], sets["val"]])].any()


def test_depth_is_the_distance_to_the_outline():
    cross = shapely.union_all([shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)])
    deep = unseen_cells.depth(cross, np.array([10.0, 19.0, 23.0, 10.0]), np.array([5.0, 5.0, 14.0, 12.0]))
    assert deep == pytest.approx([5, 1, -5, -2])    # the line between two cells is no outline


def test_records_count_the_predictions_inside(campus):
    import hand_made

    area = unseen_cells.region(campus, 2)
    west, south, east, north = area.bounds
    model = hand_made.predictions(["val", "ood", "ood", "ood", "ood"], np.ones(5), np.zeros(5))
    model["x_hat"][1:] = [(west + east) / 2, west - 50, east + 5, west - 500]
    model["y_hat"][1:] = (south + north) / 2
    model = hand_made.with_networks(model)
    (record,) = unseen_cells.records(campus, {"grid2": model})
    assert "ci95_inside_share" not in record    # four samples, four blocks
    assert (record["n"], record["inside_share"], record["near_border_share"]) == (4, 0.25, 0.5)
    assert (record["near_outside_share"], record["near_inside_share"]) == (0.5, 0.0)
    assert (record["cells"], record["empty_cells"]) == (len(splits.grid_test_cells(2)), 0)


def test_the_share_inside_has_an_interval_of_blocks_and_networks(campus):
    import hand_made

    area, n = unseen_cells.region(campus, 2), 200
    west, south, east, north = area.bounds
    inside = np.arange(n) < 50
    model = hand_made.predictions(["ood"] * n, np.ones(n), np.zeros(n))
    model["x_hat"][:], model["y_hat"][:] = np.where(inside, (west + east) / 2, west - 500), (south + north) / 2
    wide = np.array([-100.0, 0.0, 100.0]) * (east - west)    # a network alone is far outside
    ends = {}
    for name, block, shift in (("each", np.arange(n), 0), ("ten", np.arange(n) // 10, 0), ("far", np.arange(n), wide)):
        changed = hand_made.with_networks(model.assign_coords(block=("sample", block)), np.zeros(3) + shift)
        (record,) = unseen_cells.records(campus, {"grid2": changed})
        assert record["inside_share"] == 0.25
        ends[name] = record["ci95_inside_share"]
    for name, blocks in (("each", 200), ("ten", 20)):    # a quarter of the blocks is inside
        exact = scipy.stats.binom(blocks, 0.25).ppf([0.025, 0.975]) / blocks
        assert ends[name] == pytest.approx(exact, abs=0.2 / blocks**0.5)
    assert ends["far"][0] < 0.25 < ends["far"][1] and np.ptp(ends["far"]) > np.ptp(ends["each"])


def test_cells_without_a_transmitter_are_counted(campus):
    import hand_made

    n = 5
    unseen = splits.grid_test_cells(n)
    kept = campus.isel(sample=np.flatnonzero(splits.cells(campus, n) != unseen[0]))
    assert np.array_equal(splits.cells(campus, n)[splits.cells(campus, n) != unseen[0]], splits.cells(kept, n))
    model = hand_made.predictions(["val", "ood"], np.ones(2), np.zeros(2))
    before, after = (unseen_cells.records(dataset, {"grid5": model})[0] for dataset in (campus, kept))
    assert before["cells"] == after["cells"] == len(unseen)
    assert after["empty_cells"] == before["empty_cells"] + (splits.cells(campus, n) == unseen[0]).any()
