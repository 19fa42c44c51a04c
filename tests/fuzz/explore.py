"""A door explored: its valid call, then mutated ones by hypothesis, counted by outcome."""

import os
import random
import shutil
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from .law import REFUSED, SECONDS, VALID, Outcome, judged
from .mutations import Mutator

EXAMPLES = int(os.environ.get("RSSLIB_FUZZ_EXAMPLES", "0"))
FEW = 12
"""Examples of a door in `make test`: always the same ones."""
SEED = int(os.environ.get("RSSLIB_FUZZ_SEED", random.randrange(2**32) if EXAMPLES else 0))


class Tally:
    """Counts the outcomes of a door, and keeps the shortest example of each fault."""

    def __init__(self):
        self.kinds: Counter = Counter()
        self._faults: dict[tuple, list] = {}

    def add(self, outcome: Outcome, said: list[str]) -> None:
        """Count an outcome; `said` is what was changed. The valid input must not be refused."""
        self.kinds[outcome.kind] += 1
        if outcome.kind == VALID or outcome.kind == REFUSED and said:
            return
        fault, example = (outcome.kind, outcome.fault), "; ".join(said) or "nothing changed"
        kept = self._faults.setdefault(fault, [0, example, outcome.story])
        kept[0] += 1
        if len(example) < len(kept[1]):
            kept[1:] = example, outcome.story

    def faults(self) -> list[str]:
        """One line for each fault: how often, what, where, and the shortest example."""
        return [f"{kind} x{count}: {story.partition(chr(10))[0]} [{where}] <- {example}"
                for (kind, where), (count, example, story) in sorted(self._faults.items())]


def explored(prepare: Callable, folder: Path, share: float = 1.0, seconds: float = SECONDS) -> Tally:
    """Return the tally of a door. Its call with nothing changed is the first example."""
    tally = Tally()

    def attempt(draw: Callable | None) -> None:
        here = folder / "here"
        here.mkdir()
        try:
            mutator = Mutator(draw, here)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")    # those of making the input
                call = prepare(mutator)
            tally.add(judged(call, here, seconds), mutator.said)
        finally:
            shutil.rmtree(here)

    attempt(None)

    # neither shrinking nor a database of examples: the mutations are few, and said
    @seed(SEED)
    @settings(max_examples=EXAMPLES or max(3, round(FEW * share)), derandomize=not EXAMPLES, deadline=None,
              database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.data())
    def examples(data):
        attempt(data.draw)

    examples()
    return tally
