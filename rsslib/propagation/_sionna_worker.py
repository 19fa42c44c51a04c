"""Ray tracing in a process of its own: `python _sionna_worker.py FOLDER FIRST STEP` reads a job, writes its maps there.

It imports only numpy and Sionna RT, so that any Python with these can run it. It traces the positions FIRST,
FIRST + STEP, FIRST + 2 STEP, ...
"""

import json
import os
import sys
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def _write(path: Path, content: bytes) -> None:
    """Write a file that appears only when complete."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    os.replace(part, path)


def _import():
    """Return Sionna RT, so set that a repetition gives the same gains, and the version with what was corrected."""
    try:
        found = version("sionna-rt")
    except PackageNotFoundError:
        raise SystemExit("sionna-rt is not installed") from None
    if found.split(".")[:2] != ["2", "0"]:
        # from 2.1 on, diffraction is modelled anew: behind the corner of a metal block, where the field is known, one
        # across the edge comes out 2 to 22 dB too weak, as if it were along the edge
        raise SystemExit(f"sionna-rt is {found}; expected 2.0: later ones diffract fields across an edge too weakly")
    import drjit
    import mitsuba

    # one thread, on a CPU: the order of sums and of the edges that rays find differs between runs with more
    drjit.set_thread_count(0)
    mitsuba.set_variant("llvm_ad_mono_polarized")
    from sionna import rt

    _correct(rt)
    return rt, f"{found}, diffraction corrected"


def _correct(rt) -> None:
    """Give the walls' reflection in diffracted fields the wavelength that it needs; Sionna RT 2.0 passes 2 pi / it.

    With it, gains behind the corner of a concrete block agree with ITU-R P.526-15, Section 4.6; without it they are up
    to 12 dB too high. See https://github.com/NVlabs/sionna-rt/pull/68.
    """
    import inspect
    from types import FunctionType

    from sionna.rt.radio_materials import radio_material

    method, slab = rt.RadioMaterial._diffraction_matrix, radio_material.itu_coefficients_single_layer_slab
    calls = inspect.getsource(method).split("itu_coefficients_single_layer_slab(")[1:]
    if len(calls) != 2 or any(call.partition(")\n")[0].split()[-1] != "wavenumber" for call in calls):
        raise SystemExit("the diffraction of this Sionna RT is not that of 2.0: it cannot be corrected")

    def corrected(cosine, permittivity, thickness, wavenumber):
        return slab(cosine, permittivity, thickness, 2 * 3.141592653589793 / wavenumber)

    names = method.__globals__ | {slab.__name__: corrected}    # for this method alone; others pass the wavelength
    rt.RadioMaterial._diffraction_matrix = FunctionType(method.__code__, names, method.__name__, method.__defaults__)


def _scene(rt, job: dict, folder: Path):
    scene = rt.load_scene()
    scene.frequency = job["frequency_hz"]
    scene.tx_array = scene.rx_array = rt.PlanarArray(
        num_rows=1, num_cols=1, vertical_spacing=0.5, horizontal_spacing=0.5, pattern="iso", polarization="V")
    concrete = rt.ITURadioMaterial("walls", "concrete", thickness=0.3)
    scene.edit(add=[rt.SceneObject(fname=str(folder / name), name=Path(name).stem, radio_material=concrete)
                    for name in job["meshes"]])
    return scene


def _end_with_parent() -> None:
    """End this process once the one that started it has ended: then its input is closed."""
    while os.read(0, 1):
        pass
    os._exit(1)


def main(folder: Path, first: int, step: int) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _write(folder / f"started{first}", b"")
    import numpy as np  # only now: it may be missing

    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    rt, said = _import()
    _write(folder / f"version{first}", said.encode())
    scene, solver, side, n = _scene(rt, job, folder), rt.RadioMapSolver(), job["side_m"], job["n"]
    transmitter = rt.Transmitter("emitter", job["emitters"][first])
    scene.add(transmitter)
    cell = float(np.nextafter(np.float32(side / n), np.float32(np.inf)))    # else it may count n + 1 cells along a side
    for number in range(first, len(job["emitters"]), step):
        transmitter.position = job["emitters"][number]
        radio_map = solver(
            scene, center=[side / 2, side / 2, job["sensor_m"]], orientation=[0, 0, 0], size=[side, side],
            cell_size=[cell, cell], samples_per_tx=job["rays"], max_depth=job["depth"], refraction=False,
            diffraction=job["diffraction"], seed=job["seed"])
        _write(folder / f"map{number}", np.asarray(radio_map.path_gain.numpy(), "<f4")[0].tobytes())


if __name__ == "__main__":
    # the script's own folder is first in the search path, and contains another module named sionna
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).resolve().parent]
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
