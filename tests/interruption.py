"""Ends a training before its time, for the tests of checkpoints."""

import pytest

from rsslib.learning import checkpoint
from rsslib.learning import trainer as training


class Interrupted(Exception):
    """Stands for whatever ends a training before its time."""


def interrupt(trainer, monkeypatch, epoch):
    """Train with a checkpoint after every epoch, and stop in the middle of `epoch`, behind the last network's batch."""
    monkeypatch.setattr(checkpoint, "SECONDS", -1.0)
    monkeypatch.setattr(training, "TOGETHER", 1)
    batch_losses = trainer.batch_losses

    def interrupted(number):
        for loss in batch_losses(number):
            yield loss
            if trainer.epoch == epoch - 1 and number == len(trainer.networks) - 1:
                raise Interrupted
    trainer.batch_losses = interrupted
    with pytest.raises(Interrupted):
        trainer.fit()


def same_weights(one, other):
    """Whether the networks of two trainers are equal, bit by bit, running means of norms included."""
    pairs = [zip(a.state_dict().values(), b.state_dict().values(), strict=True)
             for a, b in zip(one.networks, other.networks, strict=True)]
    return all(a.equal(b) for pair in pairs for a, b in pair)
