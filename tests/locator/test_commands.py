"""The commands fit, locate and plot on the town that is shipped, and score on made-up predictions."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rsslib import __main__
from rsslib.data import campus, splits
from rsslib.data.grid import transmitters
from rsslib.project import InputError
from rsslib.reports import scoreboard

TOWN = Path(__file__).parents[2] / "examples" / "town"


def test_fit_locate_and_plot(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    readings = pd.read_csv(TOWN / "readings.csv")
    readings[readings.time.isin(readings.time.unique()[::4])].to_csv("readings.csv", index=False)
    assert __main__.main(["fit", "readings.csv", "--sensors", str(TOWN / "sensors.csv"), "-o", "model"]) == 0
    told = capsys.readouterr().out
    assert "140 samples of readings.csv, 12 sensors" in told and "Self-test" in told and "Next: rsslib locate" in told
    assert __main__.main(["locate", "model", str(TOWN / "new.csv"), "-o", "found.geojson", "--places", "unseen"]) == 0
    assert "140 samples located" in capsys.readouterr().out
    places = [one for one in json.loads(Path("found.geojson").read_text())["features"]
              if one["properties"]["kind"] == "place"]
    truth = pd.read_csv(TOWN / "truth.csv")
    found = np.array([one["geometry"]["coordinates"] for one in places])
    away = np.hypot((found[:, 0] - truth.tx_lon) * 72_900, (found[:, 1] - truth.tx_lat) * 111_200)
    assert [one["properties"]["time"] for one in places] == truth.time.tolist() and away.median() < 80
    assert __main__.main(["plot", "model", "found.geojson"]) == 0
    assert Path("found.png").stat().st_size > 10_000 and Path("found.pdf").exists()


def test_a_number_for_not_heard_is_kept_and_named_in_the_words_of_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    long = pd.read_csv(TOWN / "readings.csv")
    wide = long.pivot(index=["time", "tx_lat", "tx_lon"], columns="sensor", values="rss").fillna(100).reset_index()
    wide.iloc[::4].to_csv("readings.csv", index=False)
    pd.read_csv(TOWN / "new.csv").pivot(index="time", columns="sensor", values="rss").fillna(100).to_csv("new.csv")
    fit = ["fit", "readings.csv", "--sensors", str(TOWN / "sensors.csv"), "-o", "model"]
    assert __main__.main(fit) == 2 and "give --not-heard 100" in capsys.readouterr().err
    assert __main__.main([*fit, "--not-heard", "100"]) == 0
    assert "about latitude 49.11" in capsys.readouterr().out
    assert __main__.main(["locate", "model", "new.csv", "-o", "found.csv"]) == 0
    assert len(pd.read_csv("found.csv")) == 140


@pytest.mark.parametrize("arguments, told", [
    (["fit", "nowhere.csv", "-o", "model"], "nowhere.csv: no such file"),
    (["fit", "r.csv", "-o", "model", "--split", "random"], "--layout frs"),
    (["locate", "nowhere", "r.csv", "-o", "found.geojson"], "nowhere"),
    (["locate", "nowhere", "r.csv", "-o", "found.shp"], ".geojson"),
    (["plot", "nowhere", "found.geojson"], "found.geojson: no such file")])
def test_what_the_commands_refuse(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert __main__.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and told in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def site():
    return campus.make(n_april=0, n_july=700, n_november=0)


@pytest.fixture(scope="module")
def perfect(site):
    tested = splits.make(site, "random")["test"]
    x, y = transmitters(site)
    return pd.DataFrame({"time": site.time.values[tested].astype(str), "x": x[tested], "y": y[tested]})


def test_the_scoreboard_settles_who_is_ahead(site, perfect):
    best = scoreboard.scored(perfect, "random", site)
    assert best.median_m[0] == 0 and best.method[0] == "yours" and (best.verdict[1:] == "settled: yours is ahead").all()
    worst = scoreboard.scored(perfect.assign(x=perfect.x + 5000), "random", site)
    assert worst.median_m[0] == pytest.approx(5000) and (worst.verdict[1:] == "settled: yours is behind").all()
    assert np.array_equal(best.median_m[1:], worst.median_m[1:]) and best.median_m[1:].between(1, 1500).all()
    shuffled = scoreboard.scored(perfect.sample(frac=1, random_state=0), "random", site)
    assert shuffled.equals(best)
    assert "yours - this" in scoreboard.told(best, "random") and "[95 % interval" in scoreboard.told(best, "random")


def test_the_scoreboard_refuses_what_it_cannot_compare(site, perfect):
    with pytest.raises(InputError, match="1 of the .* test samples of random are missing"):
        scoreboard.scored(perfect.iloc[1:], "random", site)
    with pytest.raises(InputError, match="line 1: 2001-.* not a test sample of random"):
        scoreboard.scored(perfect.assign(time=["2001-01-01T00:00:00", *perfect.time[1:]]), "random", site)
    with pytest.raises(InputError, match="stands twice"):
        scoreboard.scored(pd.concat([perfect, perfect.iloc[:1]]), "random", site)
    with pytest.raises(InputError, match="expected time, and lat and lon"):
        scoreboard.scored(perfect.drop(columns="x").rename(columns={"y": "z"}), "random", site)
