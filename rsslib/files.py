"""The files that come in and go out: read with errors that name them, NetCDF written with a digest of its content."""

import errno
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsslib.project import InputError, atomic_path

if TYPE_CHECKING:
    import xarray as xr

DIGEST = "content_sha256"
"""The attribute of a NetCDF file that holds the digest of its variables and attributes."""
_DEFLATE, _SPARE = 1100, 2**26
"""A file cannot unpack to more than this many times its size (deflate: 1032) and these bytes."""
_MOST_VALUES = 10**6
WHOLE = r"[-+]?(0|[1-9][0-9]*)"
NUMBER = r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
"""The texts that are numbers, in YAML and on the command line: 0x1F, 0o17, 010, 1_000 and 12:30:45 stay texts, since
readers of them disagree."""
_SEAL = b"sha256:"
"""Begins the last bytes of a NetCDF file that we write, behind the end of HDF5: the digest of all bytes before."""
_SEALED = len(_SEAL) + 2 * hashlib.sha256().digest_size
_TRIAL_S, _TRIAL_BYTES_S = 2.0, 2e6
_CRASHED = 0xC0000000    # from here on, exit codes of Windows say that a process crashed
"""The time that a trial of a file may take, and the bytes of the file that add a second to it."""
_TRIAL = """
import sys, netCDF4
print(flush=True)
with netCDF4.Dataset(sys.argv[1]) as file:
    file.set_auto_maskandscale(False)
    for one in (file, *file.variables.values()):
        [one.getncattr(name) for name in one.ncattrs()]
    for one in file.variables.values():
        if one.size * getattr(one.dtype, "itemsize", 16) <= float(sys.argv[2]):
            one[...]
"""


def read_bytes(path: str | Path, what: str, remedy: str = "") -> bytes:
    """Return the content of a file; `what` and `remedy` say in the error what was expected and what to do.

    Errors: InputError naming the file if it is missing, a folder or cannot be read.

    >>> read_bytes("nowhere.json", "the records", "run its stage")
    Traceback (most recent call last):
    rsslib.project.InputError: nowhere.json: no such file; expected the records: run its stage
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        problem = "no such file"
    except IsADirectoryError:
        problem = "this is a folder"
    except (OSError, ValueError, TypeError) as error:    # ValueError: a name with a null character
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    raise InputError(f"{path}: {problem}; expected {_wanted(what, remedy)}")


def read_text(path: str | Path, what: str, remedy: str = "") -> str:
    """Return a text file in UTF-8. Errors: those of `read_bytes`; InputError for another encoding."""
    try:
        return read_bytes(path, what, remedy).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; expected {_wanted(what, remedy)}") from None


def read_json(path: str | Path, what: str, remedy: str = "") -> Any:
    """Return the content of a JSON file.

    Errors: those of `read_text`; InputError for text that is not JSON, or a key that stands twice.
    """
    return parsed(lambda: json.loads(read_text(path, what, remedy), object_pairs_hook=_unique), path, what, remedy)


def read_yaml(path: str | Path, what: str, remedy: str = "") -> Any:
    """Return the content of a YAML file; as in YAML 1.2, `no` and `12:30` are texts and `5e-4` a number (see NUMBER).

    Errors: those of `read_text`; InputError for text that is not YAML, a key that stands twice, an alias of what it is
    in, or aliases that write out to more than a million values.
    """
    def content() -> Any:
        import yaml  # imported here: not every reader of files needs it

        loader = _yaml_loader()(text)
        try:
            node = loader.get_single_node()
            return None if node is None else _written_out(node, {}) and loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise ValueError(f"line {mark.line + 1 if mark else 1}: {error.problem or error.context}") from None
        except yaml.YAMLError as error:
            raise ValueError(str(error).partition("\n")[0]) from None

    text = read_text(path, what, remedy)
    return parsed(content, path, what, remedy)


@cache
def _yaml_loader() -> type:
    """Return a safe loader of YAML that reads plain values as YAML 1.2 does; PyYAML knows 1.1 alone."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):    # type: ignore[misc]
        yaml_implicit_resolvers: dict = {}

        def flatten_mapping(self, node: Any) -> None:
            """Write out the keys `<<`: own keys win, then those of the first mapping, where PyYAML takes the last."""
            pairs: dict = {}
            for source in [part for key, value in node.value if key.tag == merge
                           for part in (value.value if value.id == "sequence" else [value])]:
                if source.id != "mapping":
                    raise yaml.constructor.ConstructorError(None, None, "`<<` is not a mapping", source.start_mark)
                self.flatten_mapping(source)
                for key, value in source.value:
                    pairs.setdefault(str(key.value), (key, value))
            own = {str(key.value): (key, value) for key, value in node.value if key.tag != merge}
            node.value = list((pairs | own).values())

    merge = "tag:yaml.org,2002:merge"
    for tag, pattern, first in (
            ("null", r"|~|null|Null|NULL", ["", "~", "n", "N"]), ("merge", "<<", ["<"]),
            ("bool", "true|True|TRUE|false|False|FALSE", list("tTfF")), ("int", WHOLE, list("-+0123456789")),
            ("float", NUMBER + r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
             list("-+.0123456789"))):
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"(?:{pattern})$"), first)
    def number(loader: Any, node: Any) -> float:
        text = loader.construct_scalar(node)
        if node.tag.endswith("int") and not re.fullmatch(WHOLE, text) or set(text) & set("_:"):
            raise yaml.constructor.ConstructorError(None, None, f"{text!r} is no such number", node.start_mark)
        return int(text) if node.tag.endswith("int") else loader.construct_yaml_float(node)

    for tag in ("int", "float"):
        Loader.add_constructor(f"tag:yaml.org,2002:{tag}", number)
    return Loader


def _written_out(node: Any, sizes: dict[int, int]) -> int:
    """Return how many values a YAML node holds, aliases written out. Errors: ValueError, see `read_yaml`."""
    if id(node) not in sizes:
        sizes[id(node)] = 0    # while its parts are counted
        parts = [] if isinstance(node.value, str) else node.value
        if node.id == "mapping":
            _unique((key.value, value) for key, value in parts if isinstance(key.value, str) and key.value != "<<")
            parts = [part for pair in parts for part in pair]
        sizes[id(node)] = 1 + sum(_written_out(part, sizes) for part in parts)
    if not 0 < sizes[id(node)] <= _MOST_VALUES:
        problem = "its aliases write out to too many values" if sizes[id(node)] else "it holds an alias of itself"
        raise ValueError(f"line {node.start_mark.line + 1}: {problem}")
    return sizes[id(node)]


def parsed(parse: Callable[[], Any], path: str | Path, what: str, remedy: str = "", also: tuple = ()) -> Any:
    """Return `parse()`; an error of the parser (also the types `also`) becomes an InputError that names the file."""
    try:
        return parse()
    except InputError as error:
        if str(path) in str(error):
            raise
        raise InputError(f"{path}: {error}") from None
    except RecursionError:
        reason = "nested too deeply"
    except MemoryError:
        reason = "it claims more memory than there is"
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, *also) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error).partition("\n")[0]
    raise InputError(f"{path}: broken or something else ({reason}); expected {_wanted(what, remedy)}")


def read_netcdf(path: str | Path, what: str, remedy: str = "", mask_and_scale: bool = True) -> "xr.Dataset":
    """Return the content of a NetCDF file, loaded and decoded; digests, if the file has them, must agree.

    With mask_and_scale False packed integers are returned as they are stored.
    Errors: InputError naming the file if it is missing, damaged, not NetCDF, or claims more than it can hold.
    """
    import xarray as xr  # imported here: not every reader of files needs it

    isfile = isinstance(path, (str, os.PathLike)) and os.path.isfile(path)    # Path.is_file raises for a long name
    most = _DEFLATE * (os.path.getsize(path) if isfile else _missing(path, what, remedy)) + _SPARE

    def decoded() -> xr.Dataset:
        if not _is_sealed(Path(path)):
            _try_out(Path(path), most)
        with xr.open_dataset(path, engine="netcdf4", decode_cf=False) as stored:
            if stored.nbytes > most:
                raise ValueError(f"{os.path.getsize(path)} bytes cannot hold the {stored.nbytes} that it claims")
            raw = stored.load()
        expected = raw.attrs.pop(DIGEST, None)
        if expected is not None and expected != digest(raw):
            raise ValueError(f"its content is not what was written: damaged, or edited; an edit on purpose removes the "
                             f"attribute {DIGEST}")
        return xr.decode_cf(raw, mask_and_scale=mask_and_scale).load()

    return parsed(decoded, path, what, remedy, _NETCDF_ERRORS)


def _is_sealed(path: Path) -> bool:
    """Return whether a file ends with the digest of its bytes. Errors: ValueError if it is that of other bytes."""
    with path.open("rb") as file:
        file.seek(max(os.path.getsize(path) - _SEALED, 0))
        if not file.read(_SEALED).startswith(_SEAL):
            return False
    content = path.read_bytes()
    if content[-_SEALED:] != _seal(content[:-_SEALED]):
        raise ValueError("its bytes are not those that were written: damaged")
    return True


def _seal(content: bytes) -> bytes:
    return _SEAL + hashlib.sha256(content).hexdigest().encode()


def _try_out(path: Path, most: int) -> None:
    """Read a file that is not ours in another process first: HDF5 may never return from a damaged one, or crash.

    Errors: ValueError for such a file. What HDF5 itself refuses is left to the reader, which says why.
    """
    seconds = _TRIAL_S + os.path.getsize(path) / _TRIAL_BYTES_S
    with subprocess.Popen([sys.executable, "-c", _TRIAL, str(path), str(most)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as trial:
        try:
            trial.stdout.read(1)    # type: ignore[union-attr]  # it has started: imports may take their time
            code = trial.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ValueError(f"HDF5 cannot read it in {seconds:.0f} s: damaged, or the machine is very busy") from None
        finally:
            trial.kill()
    if code < 0 or code >= _CRASHED:
        raise ValueError(f"HDF5 crashes on it, with {f'signal {-code}' if code < 0 else hex(code)}: damaged")


_NETCDF_ERRORS = (OSError, RuntimeError, NotImplementedError, EOFError, ArithmeticError)


def write_netcdf(dataset: "xr.Dataset", path: str | Path, encoding: dict | None = None) -> Path:
    """Write a NetCDF file with digests of its content and its bytes, atomically; equal datasets give equal bytes.

    Errors: InputError for another suffix than .nc, or an attribute or a variable that NetCDF cannot hold.
    """
    import netCDF4
    import xarray as xr

    path = Path(path)
    if not isinstance(dataset, xr.Dataset):
        raise InputError(f"{path}: found {type(dataset).__name__} to write; expected an xarray Dataset")
    if path.suffix != ".nc":
        raise InputError(f"{path}: unknown format {path.suffix!r}; expected a name ending in .nc")
    with atomic_path(path) as temporary:
        try:
            dataset.drop_encoding().to_netcdf(temporary, engine="netcdf4", encoding=encoding or {})
        except (TypeError, ValueError, AttributeError, RuntimeError, NotImplementedError) as error:
            if "HDF error" in str(error):    # what the library says for every failed write
                raise OSError(errno.ENOSPC, "the disk is full, or fails") from error
            raise InputError(f"{path}: NetCDF cannot hold this ({str(error).partition(chr(10))[0]}); expected numbers, "
                             "texts and times, and attributes that are numbers, texts or lists of them") from None
        with xr.open_dataset(temporary, engine="netcdf4", decode_cf=False) as stored:
            content = digest(stored.load())
        with netCDF4.Dataset(temporary, "a") as file:
            file.setncattr(DIGEST, content)
        with temporary.open("ab") as end:
            end.write(_seal(temporary.read_bytes()))
    return path


def digest(dataset: "xr.Dataset") -> str:
    """Return the SHA-256 of the names, dimensions, types, values and attributes of a dataset, in hexadecimal."""
    total = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        variable = dataset.variables[name]
        total.update(repr((name, variable.dims, variable.shape, _plain(variable.attrs))).encode())
        values = variable.values
        texts = values.dtype.kind in "OUT"
        total.update(json.dumps([str(value) for value in values.ravel()]).encode() if texts else
                     values.dtype.str.encode() + values.tobytes())
    total.update(repr(_plain({key: value for key, value in dataset.attrs.items() if key != DIGEST})).encode())
    return total.hexdigest()


def _plain(attrs: dict) -> list:
    """Return attributes as sorted pairs of Python values, whatever numpy types a file's library returns."""
    return sorted((str(key), value.tolist() if hasattr(value, "tolist") else value) for key, value in attrs.items())


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise ValueError(f"the key '{key}' stands twice; keep one of the two")
        content[key] = value
    return content


def _missing(path: str | Path, what: str, remedy: str) -> Any:
    read_bytes(path, what, remedy)    # raises the error that says why
    raise InputError(f"{path}: not a plain file; expected {_wanted(what, remedy)}")


def _wanted(what: str, remedy: str) -> str:
    return f"{what}: {remedy}" if remedy else what
