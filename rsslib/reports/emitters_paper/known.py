"""Records of the baseline that knows all path gains, beside the networks on the same samples."""

from collections.abc import Mapping

from rsslib.emitters.known_maps import located
from rsslib.propagation.scene import FREE_SPACE, Scene
from rsslib.reports.emitters_paper.cases import first, samples
from rsslib.reports.emitters_paper.tables import Outputs, record

COUNT = 100
"""So many test samples of each environment, since each is searched through."""


def records(scenes: Mapping[str, Scene], outputs: Outputs, count: int = COUNT) -> list[dict]:
    """Return the metrics of the baseline, and of one training of each network on the same samples.

    Free space is left out: there any cell may hold an emitter, and three readings above the threshold leave many
    explanations.
    """
    rows = []
    for environment, scene in scenes.items():
        if environment == FREE_SPACE:
            continue
        networks = {method: [of[0].isel(sample=slice(count))] for (where, method), of in outputs.items()
                    if where == environment}
        one = outputs[environment, next(iter(networks))][0]
        known = located(scene, first(samples(scene, one), count), int(one.attrs["n_max"])).assign_attrs(
            one.attrs | {"method": "known_maps", "parameters": 0})
        rows += [record([known]), *map(record, networks.values())]
    return rows
