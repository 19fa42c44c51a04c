"""A small table of readings in all its spellings, for the tests of tables."""

import numpy as np
import pandas as pd

SENSORS = pd.DataFrame({"sensor": ["roof", "gate", "mast"], "lat": [51.05, 51.053, 51.051],
                        "lon": [13.73, 13.731, 13.738]})
TIMES = ["2024-05-17T09:00:00Z", "2024-05-17T09:00:04Z", "2024-05-17T09:00:08Z", "2024-05-17T09:00:12Z"]
LAT, LON = [51.0510, 51.0512, 51.0514, 51.0516], [13.7310, 13.7320, 13.7330, 13.7340]
RSS = np.array([[-71.5, np.nan, -88.0], [-72.0, -90.0, np.nan], [-80.5, -85.0, -82.0], [np.nan, -70.0, -75.0]])


def wide():
    """Return the wide table."""
    return pd.DataFrame({"time": TIMES, "tx_lat": LAT, "tx_lon": LON} | dict(zip(SENSORS.sensor, RSS.T)))


def long():
    """Return the long table: a row for each reading that was heard."""
    rows = [(TIMES[row], SENSORS.sensor[column], RSS[row, column], LAT[row], LON[row])
            for row, column in np.argwhere(np.isfinite(RSS))]
    return pd.DataFrame(rows, columns=["time", "sensor", "rss", "tx_lat", "tx_lon"])
