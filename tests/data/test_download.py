"""Fetching: which source comes first, checksums, and silence of the network."""

import functools
import hashlib
import http.server
import io
import os
import threading
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest

import rsslib
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

    with served(functools.partial(Folder, directory=public)) as url:
        monkeypatch.setattr(download, "REGISTRY", registry(url))
        yield public


class Folder(http.server.SimpleHTTPRequestHandler):
    agents: list[str] = []

    def do_GET(self):
        self.agents.append(self.headers["User-Agent"])
        super().do_GET()

    def log_message(self, *_):
        pass


class Drip(Folder):
    """A byte every 20 ms, of as many as it promises; `size` None: it promises nothing and never ends."""
    size: int | None = 3600
    part = b"1"

    def do_GET(self):
        self.send_response(200)
        if self.size is not None:
            self.send_header("Content-Length", str(self.size))
        self.end_headers()
        try:
            while True:
                self.wfile.write(self.part)
                time.sleep(0.02 / len(self.part))
        except OSError:    # nobody listens any more
            pass


@contextmanager
def served(handler):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        host.daemon_threads, host.block_on_close = True, False
        thread = threading.Thread(target=host.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{host.server_port}"
        host.shutdown()
        thread.join()


@pytest.fixture
def archive(server):
    """The second public source: a zip archive, in which one name stands twice, once with other content."""
    def put(files: list[tuple[str, bytes]]) -> Path:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in files:
                file.writestr(name, data)
        path = server / "all.zip"
        path.write_bytes(content.getvalue())
        return path

    toy = download.REGISTRY["toy"]
    toy["archive"] = {"url": f"{toy['url']}/all.zip"}
    put([("all/old/two.json", b"other"), ("all/two.json", CONTENT["two.json"]), ("all/two.json.bak", b""),
         ("all/one.csv/", b""), ("three.csv", b"3")])
    return put


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
    assert message.startswith(f"{paths['two.json']}: wrong checksum") and "remove" not in message
    assert expected in message and hashlib.md5(b"spoilt").hexdigest() in message
    assert not (toy / "raw").exists() and paths["two.json"].read_bytes() == b"spoilt"


def test_a_wrong_download_is_named_and_nothing_is_kept(toy, server):
    (server / "two.json").write_bytes(b"spoilt")
    found = hashlib.md5(b"spoilt").hexdigest()
    with pytest.raises(InputError, match=f"two.json: .*two.json: wrong checksum, md5 {found}"):
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

    monkeypatch.setattr("requests.get", hang)
    begin = time.monotonic()
    assert not download.reachable(CONTENT, "toy", seconds=0.1)
    assert time.monotonic() - begin < 0.9


def test_a_server_that_drips_is_given_up_in_time(toy, monkeypatch):
    monkeypatch.setattr(download, "TRANSFER_SECONDS", 0.3)
    for size in (3600, None):
        with served(type("Sized", (Drip,), {"size": size})) as url:
            monkeypatch.setattr(download, "REGISTRY", registry(url))
            begin = time.monotonic()
            with pytest.raises(InputError, match=f"{url}/two.json is out of reach .no complete answer in 0.3 s"):
                download.fetch(toy / "raw", ["two.json"], "toy")
            assert time.monotonic() - begin < 2
    assert not list(toy.rglob("*two*"))


def test_a_server_that_drips_its_header_is_given_up_in_time(toy, monkeypatch):
    class Header(Drip):
        def send_response(self, *_):
            self.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")

        send_header = end_headers = lambda *_: None

    monkeypatch.setattr(download, "SECONDS", 0.3)
    with served(Header) as url:
        monkeypatch.setattr(download, "REGISTRY", registry(url))
        begin = time.monotonic()
        assert not download.reachable(CONTENT, "toy", seconds=0.3)
        with pytest.raises(InputError, match="out of reach .no complete answer in 0.3 s"):
            download.fetch(toy / "raw", ["two.json"], "toy")
        assert time.monotonic() - begin < 2


def test_a_file_without_end_is_given_up(toy, monkeypatch):
    monkeypatch.setattr(download, "MAX_BYTES", 2**20)
    with served(type("Endless", (Drip,), {"size": None, "part": b"1" * 2**16})) as url:
        monkeypatch.setattr(download, "REGISTRY", registry(url))
        with pytest.raises(InputError, match="out of reach .more than 1048576 bytes"):
            download.fetch(toy / "raw", ["two.json"], "toy")
    assert not list(toy.rglob("*two*"))


def test_a_transfer_that_breaks_off_is_named(toy, monkeypatch):
    class Short(Drip):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(CONTENT["two.json"])

    with served(Short) as url:
        monkeypatch.setattr(download, "REGISTRY", registry(url))
        with pytest.raises(InputError, match="two.json: .*no public source has it with md5 [0-9a-f]{32}: http"):
            download.fetch(toy / "raw", ["two.json"], "toy")
    assert not list(toy.rglob("*two*"))


def test_requests_say_who_asks(toy, server):
    Folder.agents.clear()
    assert download.reachable(CONTENT, "toy")
    download.fetch(toy / "raw", CONTENT, "toy")
    assert set(Folder.agents) == {download.USER_AGENT} and len(Folder.agents) == 3
    assert download.HEADERS == {"User-Agent": download.USER_AGENT}
    assert download.USER_AGENT.startswith(f"rsslib/{rsslib.__version__} (")


def test_the_second_source_is_an_archive_that_is_asked_when_the_first_one_fails(toy, server, archive):
    (server / "two.json").unlink()
    assert [path.read_bytes() for path in download.fetch(toy / "raw", CONTENT, "toy")] == list(CONTENT.values())
    assert download.available(CONTENT, "toy") and not list((toy / "cache").rglob("*.zip"))
    (server / "two.json").write_bytes(b"spoilt")
    (toy / "cache" / "toy" / "two.json").unlink()
    assert download.locate("two.json", "toy").read_bytes() == CONTENT["two.json"]


def test_one_archive_fills_the_cache_with_all_that_it_has(toy, server, archive):
    archive([("a/one.csv", CONTENT["one.csv"]), ("a/two.json", CONTENT["two.json"])])
    for path in (server / "two.json", server / "folder" / "of" / "one.csv"):
        path.unlink()
    Folder.agents.clear()
    assert len(download.fetch(toy / "raw", CONTENT, "toy")) == 2
    assert len(Folder.agents) == 2    # one.csv, all.zip


def test_both_sources_are_named_where_neither_has_the_file(toy, server, archive):
    (server / "folder" / "of" / "one.csv").write_bytes(b"spoilt")
    url = download.REGISTRY["toy"]["url"]
    with pytest.raises(InputError) as error:
        download.fetch(toy / "raw", CONTENT, "toy")
    assert f"{url}/folder/of/one.csv: wrong checksum" in str(error.value)
    assert f"{url}/all.zip: it is not in there" in str(error.value)
    path = archive([("one.csv", b"spoilt, too")])
    for spoilt, message in ((b"spoilt", "no zip archive that can be read: File is not a zip file"),
                            (path.read_bytes()[:-5], "no zip archive"),
                            (path.read_bytes().replace(b"\x08\x00", b"\x63\x00"), "no zip archive|wrong checksum")):
        path.write_bytes(spoilt)
        with pytest.raises(InputError, match=message):
            download.fetch(toy / "raw", ["one.csv"], "toy")
    assert not (toy / "raw").exists() and not list((toy / "cache").rglob("*.csv"))


def test_a_member_that_claims_too_much_is_not_unpacked(toy, server, archive, monkeypatch):
    archive([("one.csv", b"0" * 10_000)])
    (server / "folder" / "of" / "one.csv").unlink()
    monkeypatch.setattr(download, "MAX_BYTES", 4 * 9_999)
    with pytest.raises(InputError, match="all.zip: it is not in there"):
        download.fetch(toy / "raw", ["one.csv"], "toy")


def test_a_cache_that_cannot_be_written_is_named_not_the_source(toy, server):
    (toy / "cache").write_text("a file where the folder should be")
    with pytest.raises(InputError) as error:
        download.fetch(toy / "raw", CONTENT, "toy")
    message = str(error.value)
    assert str(toy / "cache" / "toy") in message and "download cache" in message and "out of reach" not in message
    assert os.strerror(20) in message or os.strerror(17) in message    # not a directory, or: file exists
    assert (toy / "cache").is_file() and not (toy / "raw").exists()


def test_a_target_that_cannot_be_written_is_named(toy, monkeypatch):
    given(toy, monkeypatch)
    (toy / "raw").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="raw.*cannot be written"):
        download.fetch(toy / "raw", CONTENT, "toy")


def test_an_interrupted_copy_leaves_nothing(toy, monkeypatch):
    given(toy, monkeypatch)

    def interrupted(path, content):
        with path.open("wb") as file:
            file.write(content[:1])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        download.fetch(toy / "raw", CONTENT, "toy")
    assert not list((toy / "raw").iterdir())


@pytest.mark.parametrize(("value", "message"), [
    ("missing", "RSSLIB_DATA=missing: no such folder"), ("a_file", "RSSLIB_DATA=a_file: this is no folder"),
    (" ", "RSSLIB_DATA= : no such folder"), ("a_file/sub", "this is no folder"),
    ("x" * 300, "RSSLIB_DATA=xxx.*File name too long"),
    ("mine", "RSSLIB_DATA=mine: no one.csv in it or its subfolder toy")])
def test_a_data_folder_that_is_none_is_named(toy, monkeypatch, value, message):
    monkeypatch.chdir(toy)
    (toy / "a_file").write_text("")
    (toy / "mine").mkdir()
    monkeypatch.setenv("RSSLIB_DATA", value)
    for ask in (lambda: download.available(CONTENT, "toy"), lambda: download.fetch("raw", CONTENT, "toy"),
                lambda: download.reachable(CONTENT, "toy"), lambda: download.locate("one.csv", "toy")):
        with pytest.raises(InputError, match=message):
            ask()
    assert not (toy / "raw").exists()


def test_a_relative_data_folder_counts_and_an_empty_name_is_none(toy, monkeypatch):
    given(toy, monkeypatch)
    monkeypatch.chdir(toy)
    monkeypatch.setenv("RSSLIB_DATA", "mine")
    assert download.available(CONTENT, "toy")
    monkeypatch.setenv("RSSLIB_DATA", "")
    assert not download.available(CONTENT, "toy")


def test_what_may_not_be_read_is_named(toy, monkeypatch):
    paths, seen = given(toy, monkeypatch), os.stat

    def forbidden(path, *rest, **more):
        if str(path) == str(paths["one.csv"]):
            raise PermissionError(13, "Permission denied", str(path))
        return seen(path, *rest, **more)

    monkeypatch.setattr(os, "stat", forbidden)
    with pytest.raises(InputError, match="RSSLIB_DATA=.*one.csv: Permission denied"):
        download.fetch(toy / "raw", CONTENT, "toy")


def test_a_folder_in_place_of_a_file_is_no_file(toy, monkeypatch):
    given(toy, monkeypatch)["one.csv"].unlink()
    (toy / "mine" / "toy" / "one.csv").mkdir()
    with pytest.raises(InputError, match="no one.csv in it"):
        download.fetch(toy / "raw", CONTENT, "toy")


def test_one_name_is_one_file(toy, monkeypatch):
    given(toy, monkeypatch)
    assert download.fetch(toy / "raw", "one.csv", "toy") == [toy / "raw" / "one.csv"]
    assert download.available("two.json", "toy") and download.fetch(toy / "raw", [], "toy") == []


@pytest.mark.parametrize("name", ["sub/one.csv", "../one.csv", "/one.csv", "", "one.csv\0", 1, None, b"one.csv",
                                  ["one.csv"], pytest.param(10**5000, id="huge"), pytest.param("x" * 10**6, id="long")])
def test_odd_names_are_refused(toy, name):
    for ask in (lambda: download.fetch(toy / "raw", [name], "toy"), lambda: download.available([name], "toy"),
                lambda: download.reachable([name], "toy"), lambda: download.locate(name, "toy"),
                lambda: download.available(dataset=name)):
        with pytest.raises(InputError, match="is .*; expected one of ") as error:
            ask()
        assert len(str(error.value)) < 250


def test_odd_arguments_are_refused(toy, monkeypatch):
    given(toy, monkeypatch)
    for destination in (None, 1, b"raw", "raw\0"):
        with pytest.raises(InputError, match="destination: expected the path of a folder"):
            download.fetch(destination, CONTENT, "toy")
    with pytest.raises(InputError, match="names is 1"):
        download.fetch(toy / "raw", 1, "toy")
    for seconds in (None, 0, -1.0, float("nan"), 1e300, "1", True):
        with pytest.raises(InputError, match="seconds is .*; expected a time above 0"):
            download.within(seconds, list)


def test_names_outside_the_registry_are_refused(toy):
    with pytest.raises(InputError, match="file of 'toy' is 'three.csv'; expected one of one"):
        download.fetch(toy / "raw", ["three.csv"], "toy")
    with pytest.raises(InputError, match="data set is 'frs'; expected one of toy"):
        download.available()
