"""Layouts of public data sets of fingerprints: which columns are receivers, what stands for "not heard".

The places of their receivers are not published. A receiver is put where its strongest readings were taken.
"""

from typing import NamedTuple

import numpy as np

from rsslib.arguments import check_choice


class Layout(NamedTuple):
    """A layout: a pattern of the receivers' columns, the number for "not heard", the columns of time and place."""

    receivers: str
    not_heard: float
    columns: dict[str, str]
    crs: str
    source: str


LAYOUTS = {
    "uji": Layout(r"WAP\d+", 100.0, {"TIMESTAMP": "time", "LONGITUDE": "tx_x", "LATITUDE": "tx_y"}, "EPSG:3857",
                  "UJIIndoorLoc, Torres-Sospedra et al. 2014: WAP001 to WAP520, Web Mercator metres, 100 not heard"),
    "lorawan": Layout(r"BS \d+", -200.0, {"RX Time": "time", "Longitude": "tx_lon", "Latitude": "tx_lat"}, "EPSG:4326",
                      "Aernouts et al. 2018, LoRaWAN in Antwerp: BS 1 to BS 72, degrees, -200 not heard"),
}
"""By name; "frs", the layout of the measurements of paper 1, is read by `rsslib.data.frs`."""


def layout(name: str) -> Layout:
    """Return a layout. Errors: InputError for another name.

    >>> layout("uji").not_heard
    100.0
    """
    check_choice("layout", name, LAYOUTS)
    return LAYOUTS[name]


def estimated_places(rss: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a place for each receiver, (receivers, 2), NaN for one that heard no known transmitter:

        sum_i w_i x_i / sum_i w_i,    w_i = 10^((r_i - max r) / 10)

    Input: rss, (samples, receivers) [dB], NaN where not heard; x, y, (samples,), NaN where unknown.

    >>> estimated_places(np.array([[-40.0], [-90.0]]), np.array([3.0, 9.0]), np.array([0.0, 0.0])).round(3)
    array([[3., 0.]])
    """
    heard = np.isfinite(rss) & np.isfinite(x)[:, None]
    strongest = np.where(heard, rss, -np.inf).max(axis=0)
    weight = np.where(heard, 10 ** ((np.where(heard, rss, 0) - np.where(np.isfinite(strongest), strongest, 0)) / 10), 0)
    total = weight.sum(axis=0)
    places = np.stack([weight.T @ np.nan_to_num(axis) for axis in (x, y)], axis=1)
    return np.where(total[:, None] > 0, places / np.where(total > 0, total, 1)[:, None], np.nan)
