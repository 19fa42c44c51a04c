"""Ray tracing in a separate process: `python _sionna_worker.py FOLDER` reads a job and writes its maps there.

It imports only numpy and Sionna RT, so that any Python with these can run it.
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
    for number, position in enumerate(job["emitters"]):
        if transmitter is None:
            transmitter = rt.Transmitter("emitter", position)
            scene.add(transmitter)
        transmitter.position = position
        radio_map = solver(
            scene, center=[side / 2, side / 2, job["sensor_m"]], orientation=[0, 0, 0], size=[side, side],
            cell_size=[side / n, side / n], samples_per_tx=job["rays"], max_depth=job["depth"], refraction=False,
            diffraction=job["diffraction"], seed=job["seed"])
        with open(folder / "part", "wb") as file:
            np.save(file, np.asarray(radio_map.path_gain.numpy(), np.float32)[0])
        os.replace(folder / "part", folder / f"map{number}.npy")  # renamed only when complete


if __name__ == "__main__":
    # the script's own folder is first in the search path, and contains another module named sionna
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).resolve().parent]
    main(Path(sys.argv[1]))
