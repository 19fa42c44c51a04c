"""Fetching: which source comes first, checksums, and silence of the network."""

import functools
import hashlib
import http.server
import threading
import time

import pytest

from rsslib.data import download
from rsslib.project import InputError

CONTENT = {"one.csv": b"1,2\n", "two.json": b"{}\n"}


def registry(url: str) -> dict:
    files = {"one.csv": {"path": "folder/of", "md5": ""}, "two.json": {"path": "", "md5": ""}}
    for name, entry in files.items():
        entry["md5"] = hashlib.md5(CONTENT[name]).hexdigest()
    return {"toy": {"url": url, "files": files}}


@pytest.fixture(autouse=True)
def toy(tmp_path, monkeypatch):
    """A registry of two files, an empty cache, no RSSLIB_DATA, and a source that does not answer."""
    monkeypatch.setattr(download, "REGISTRY", registry("http://127.0.0.1:9"))
    monkeypatch.setattr(download, "cache_folder", lambda dataset: tmp_path / "cache" / dataset)
    monkeypatch.delenv("RSSLIB_DATA", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def server(toy, monkeypatch):
    """The public source: a folder served on this machine."""
    public = toy / "public"
    (public / "folder" / "of").mkdir(parents=True)
    (public / "folder" / "of" / "one.csv").write_bytes(CONTENT["one.csv"])
    (public / "two.json").write_bytes(CONTENT["two.json"])

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=public)) as host:
        thread = threading.Thread(target=host.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setattr(download, "REGISTRY", registry(f"http://127.0.0.1:{host.server_port}"))
        yield public
        host.shutdown()
        thread.join()


def given(toy, monkeypatch, folder="mine/toy") -> dict:
    (toy / folder).mkdir(parents=True)
    for name, content in CONTENT.items():
        (toy / folder / name).write_bytes(content)
    monkeypatch.setenv("RSSLIB_DATA", str(toy / "mine"))
    return {name: toy / folder / name for name in CONTENT}


@pytest.mark.parametrize("folder", ["mine/toy", "mine"])
def test_the_given_folder_comes_first(toy, monkeypatch, folder):
    given(toy, monkeypatch, folder)
    assert download.available(CONTENT, "toy") and download.reachable(CONTENT, "toy")
    paths = download.fetch(toy / "raw", CONTENT, "toy")
    assert {path.name: path.read_bytes() for path in paths} == CONTENT
    assert not (toy / "cache").exists()


def test_the_cache_comes_second(toy):
    (toy / "cache" / "toy").mkdir(parents=True)
    for name, content in CONTENT.items():
        (toy / "cache" / "toy" / name).write_bytes(content)
    assert download.available(CONTENT, "toy")
    assert [path.read_bytes() for path in download.fetch(toy / "raw", CONTENT, "toy")] == list(CONTENT.values())


def test_the_public_source_comes_third_and_fills_the_cache(toy, server):
    assert not download.available(CONTENT, "toy") and download.reachable(CONTENT, "toy")
    assert [path.read_bytes() for path in download.fetch(toy / "raw", CONTENT, "toy")] == list(CONTENT.values())
    assert download.available(CONTENT, "toy")


def test_a_right_file_is_left_alone_and_a_spoilt_one_replaced(toy, monkeypatch):
    given(toy, monkeypatch)
    one, two = download.fetch(toy / "raw", CONTENT, "toy")
    two.write_bytes(b"spoilt")
    before = one.stat().st_mtime_ns
    download.fetch(toy / "raw", CONTENT, "toy")
    assert one.stat().st_mtime_ns == before and two.read_bytes() == CONTENT["two.json"]


def test_a_wrong_checksum_is_named_and_nothing_is_copied(toy, monkeypatch):
    paths = given(toy, monkeypatch)
    paths["two.json"].write_bytes(b"spoilt")
    with pytest.raises(InputError) as error:
        download.fetch(toy / "raw", CONTENT, "toy")
    message = str(error.value)
    expected = download.REGISTRY["toy"]["files"]["two.json"]["md5"]
    assert message.startswith("two.json: wrong checksum") and str(paths["two.json"]) in message
    assert expected in message and hashlib.md5(b"spoilt").hexdigest() in message and "remove" in message
    assert not (toy / "raw").exists()


def test_a_wrong_download_is_named_and_nothing_is_kept(toy, server):
    (server / "two.json").write_bytes(b"spoilt")
    with pytest.raises(InputError, match="two.json: wrong checksum"):
        download.fetch(toy / "raw", ["two.json"], "toy")
    assert not (toy / "raw").exists() and not list((toy / "cache").rglob("*.*"))


def test_a_file_gone_from_the_source_is_named(toy, server):
    (server / "two.json").unlink()
    assert not download.reachable(["two.json"], "toy")
    with pytest.raises(InputError, match="two.json: .* out of reach .HTTP status 404"):
        download.fetch(toy / "raw", ["two.json"], "toy")


def test_a_spoilt_cache_counts_as_empty(toy):
    (toy / "cache" / "toy").mkdir(parents=True)
    (toy / "cache" / "toy" / "one.csv").write_bytes(b"spoilt")
    assert not download.available(["one.csv"], "toy")


def test_offline_says_so_in_one_line(toy):
    assert not download.available(CONTENT, "toy") and not download.reachable(CONTENT, "toy")
    with pytest.raises(InputError, match="out of reach") as error:
        download.fetch(toy / "raw", CONTENT, "toy")
    assert "\n" not in str(error.value) and "RSSLIB_DATA" in str(error.value)
    assert not (toy / "raw").exists()


def test_a_silent_source_is_given_up_in_time(toy, monkeypatch):
    def hang(*_, **__):
        time.sleep(1.0)
        raise OSError("at last")

    monkeypatch.setattr("requests.head", hang)
    begin = time.monotonic()
    assert not download.reachable(CONTENT, "toy", seconds=0.1)
    assert time.monotonic() - begin < 0.9


def test_names_outside_the_registry_are_refused(toy):
    with pytest.raises(InputError, match="file 'three.csv': not in the registry of 'toy'; expected one of one"):
        download.fetch(toy / "raw", ["three.csv"], "toy")
    with pytest.raises(InputError, match="data set 'frs': not in the registry; expected one of toy"):
        download.available()
