"""Two trainings that several tests look at."""

import pytest
from small_emitters import FIRST, FREE, SINGLE

from rsslib.emitters.training import EmitterTrainer


@pytest.fixture(scope="session")
def occupancy():
    """A trained occupancy network."""
    trainer = EmitterTrainer(FIRST, FREE, device="cpu")
    trainer.fit()
    return trainer.model


@pytest.fixture(scope="session")
def reference():
    """One uninterrupted training of a localizer, to compare others with."""
    trainer = EmitterTrainer(SINGLE, FREE, device="cpu")
    trainer.fit()
    return trainer
