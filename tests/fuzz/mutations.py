"""The mutator: what a door takes, changed in some way, and what was changed."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from rsslib.files import DIGEST

from .arrays import ODD, Arrays, without
from .contents import INF, NAN

TEXTS = ("", " ", "abc", "ABC", "a b", "../up", "/", "-", "--help", "-1", "0", "nan", "None", "a" * 3000, "é\u2028",
         "a\x00b",
         "a\nb", "'", '"', "{}", "{0}", "%s", "*", "#", "no", "12:30", "007", "[a", "@x", "~", "\ud800")
NUMBERS = (0, -1, 1, 2, 0.5, -0.0, 1e-300, 1e300, -1e300, 10**30, 2**31, 2**63, NAN, INF, -INF, 1e9)
NO_FILE = ("missing", "folder", "loop", "below a file", "long name", "null", "dangling", "unreadable")
OTHER_NAMES = ("out", "out.csv", "new/deep/out.nc", "x" * 300 + ".nc", "a\0.nc", "plain/out.nc", "", ".nc", "folder.nc")
"""Places to write a NetCDF file to, most of them impossible: `plain` is a file, `folder.nc` a folder."""


class Mutator(Arrays):
    """Changes arguments and files; its folder holds all files of a call."""

    def __init__(self, draw: Callable | None, folder: Path):
        super().__init__(draw)
        self.folder = folder

    def text(self, valid: str, what: str, often: float = 0.5, more: Sequence[str] = ()) -> str:
        """Return a text, or an odd one."""
        return self.choice(valid, (*more, *TEXTS, valid.upper(), valid + " ", valid[:-1]), what, often)

    def arguments(self, often: float = 0.8, **valid: Any) -> dict:
        """Return arguments of which one or two are odd: other numbers, other texts, anything else."""
        for _ in range(self.number(1, 2) if self.wants(often) else 0):
            name = self.one(sorted(valid))
            value = valid[name]
            if isinstance(value, (np.ndarray, list, tuple)):
                valid[name] = self.array(value, name, 1.0)
            else:
                near = NUMBERS if isinstance(value, (int, float)) else TEXTS if isinstance(value, str) else ODD
                valid[name] = self.choice(value, self.one((ODD, near)), name, 1.0)
        return valid

    def file(self, name: str, content: bytes, mutate: Sequence[Callable[[bytes], bytes]] = (),
             often: float = 0.85) -> Path:
        """Write a file with mutated bytes, or changed by one of `mutate`, or put something else in its place."""
        path = self.folder / name
        if not self.wants(often):
            path.write_bytes(content)
            return path
        if self.number(1, 12) == 1:
            return self._no_file(path, content)
        path.write_bytes(self.one((self.bytes, *mutate, *mutate, *mutate))(content))
        return path

    def _no_file(self, path: Path, content: bytes) -> Path:
        kind = self.one(NO_FILE)
        self.say(f"{path.name}: {kind}")
        if kind == "folder":
            path.mkdir()
        elif kind in ("loop", "dangling"):
            path.symlink_to(path if kind == "loop" else path.with_name("gone"))
        elif kind == "unreadable":    # but not for root
            path.write_bytes(content)
            path.chmod(0)
        elif kind == "below a file":
            path.with_name("plain").write_bytes(b"x")
            return path.parent / "plain" / path.name
        return path.with_name("x" * 300 if kind == "long name" else "a\0b") if kind in ("long name", "null") else path

    def json(self, name: str, content: Any, often: float = 0.85) -> Path:
        """Write a JSON file whose bytes or whose tree is mutated."""
        return self.file(name, json.dumps(content).encode(), [lambda _: self.dumped(self.tree(content))], often)

    def netcdf(self, name: str, content: bytes, often: float = 0.9) -> Path:
        """Write a NetCDF file whose bytes, variables, attributes or sizes are mutated; see `edited`."""
        return self.file(name, content, [self._edited, self._edited, self._claiming], often)

    @property
    def edited(self) -> bool:
        """Whether the digest of the file was removed, so that its content may be another one."""
        return "digest removed" in self.said or "claims terabytes" in self.said

    def _edited(self, content: bytes) -> bytes:
        stored = self.folder / ".stored.nc"
        stored.write_bytes(content)
        with xr.open_dataset(stored, engine="netcdf4", decode_cf=False) as file:
            data = file.load()
        if self.number(0, 1):
            data = without(data, DIGEST)
        try:
            changed = self.dataset(data, "file", 1.0)
            if DIGEST not in getattr(changed, "attrs", ()):
                self.say("digest removed")
            changed.to_netcdf(stored, engine="netcdf4")
            return stored.read_bytes()
        except Exception:    # nothing that NetCDF can hold
            return self.bytes(content)
        finally:
            stored.unlink(missing_ok=True)

    def _claiming(self, _: bytes) -> bytes:
        import netCDF4

        self.say("claims terabytes")
        path = self.folder / ".claiming.nc"
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("sample", 10**7)
            file.createDimension("sensor", 10**6)
            for variable in ("rss", "image", "gain_db", "existence", "x_hat"):
                file.createVariable(variable, "f4", ("sample", "sensor"), zlib=True, chunksizes=(1000, 1000))
        content = path.read_bytes()
        path.unlink()
        return content

    def target(self, often: float = 0.3, names: Sequence[str] = OTHER_NAMES, valid: str = "out.nc") -> Path:
        """Return where to write a file: a good place, or an impossible one."""
        (self.folder / "plain").write_bytes(b"x")
        (self.folder / "folder.nc").mkdir()
        return self.folder / self.choice(valid, names, "path", often)
