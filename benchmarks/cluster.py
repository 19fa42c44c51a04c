"""How long the trainings of `full` would take on 1, 8 and 64 GPUs: a simulation from measured times.

    python benchmarks/cluster.py [--gpus 1 8 64] [--at-once 4]

Each training's seconds are those of its stamp: the seconds of one network's epoch, while about as many trainings shared
one GPU as it has places here, times the epochs and the networks. A training goes to the place that is free first, in
the order of `rsslib paper`. Counted are the trainings of paper 1 that were made on a GPU.
"""

import argparse
import heapq
import json

from rsslib.files import read_json
from rsslib.workflow import paper


def seconds() -> dict[str, float]:
    """Return the seconds of each training of `full` that was made on a GPU, in the order of the sweep."""
    found = {}
    for training in paper.order():
        if training.stamp().is_file():
            stamp = read_json(training.stamp(), "the time of a training")
            if "seconds_per_epoch" in stamp and stamp["device"] != "cpu":
                made = stamp["parameters"]
                found[training.name] = stamp["seconds_per_epoch"] * made["epochs"] * made["members"]
    return found


def makespan(times: list[float], places: int) -> float:
    """Return when the last of some tasks ends, each begun in turn where a place is free first."""
    free = [0.0] * places
    for time in times:
        heapq.heappush(free, heapq.heappop(free) + time)
    return max(free)


def rows(gpus: tuple[int, ...] = (1, 8, 64), at_once: int = 4) -> list[dict]:
    """Return the rows of this file."""
    times = list(seconds().values())
    one = makespan(times, at_once)
    return [{"what": f"{len(times)} trainings on {count} GPU{'s' * (count > 1)}, {at_once} at a time on each "
                     f"(simulated; the longest takes {max(times):.0f} s)", "seconds": [float(f"{took:.3g}")],
             "ratio": float(f"{one / took:.3g}"), "efficiency": float(f"{one / took / count:.2g}")}
            for count in gpus for took in [makespan(times, at_once * count)]]


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gpus", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--at-once", type=int, default=4)
    given = parser.parse_args()
    for row in rows(tuple(given.gpus), given.at_once):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
