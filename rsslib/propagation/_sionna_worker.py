"""Ray tracing in a process of its own: `python _sionna_worker.py FOLDER` reads a job there and writes its maps.

It imports numpy and Sionna RT alone, so that any Python that has them can run it.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np


def _scene(job: dict, folder: Path):
    from sionna import rt

    scene = rt.load_scene()
    scene.frequency = job["frequency_hz"]
    scene.tx_array = scene.rx_array = rt.PlanarArray(
        num_rows=1, num_cols=1, vertical_spacing=0.5, horizontal_spacing=0.5, pattern="iso", polarization="V")
    concrete = rt.ITURadioMaterial("walls", "concrete", thickness=0.3)
    scene.edit(add=[rt.SceneObject(fname=str(folder / name), name=Path(name).stem, radio_material=concrete)
                    for name in job["meshes"]])
    return rt, scene


def main(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    rt, scene = _scene(job, folder)
    side, n = job["side_m"], job["n"]
    solver, transmitter = rt.RadioMapSolver(), None
    for number, place in enumerate(job["emitters"]):
        if transmitter is None:
            transmitter = rt.Transmitter("emitter", place)
            scene.add(transmitter)
        transmitter.position = place
        found = solver(scene, center=[side / 2, side / 2, job["sensor_m"]], orientation=[0, 0, 0], size=[side, side],
                       cell_size=[side / n, side / n], samples_per_tx=job["rays"], max_depth=job["depth"],
                       refraction=False, diffraction=job["diffraction"], seed=job["seed"])
        gain = np.asarray(found.path_gain.numpy(), np.float32)[0]
        with open(folder / "part", "wb") as file:
            np.save(file, gain)
        os.replace(folder / "part", folder / f"map{number}.npy")  # whole, when it is seen


if __name__ == "__main__":
    # a script's own folder comes first in the search, and holds another module of the name sionna
    sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]
    main(Path(sys.argv[1]))
