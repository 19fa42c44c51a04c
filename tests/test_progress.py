"""Progress lines: one line written over in a terminal, a line every tenth elsewhere, a file, silence."""

import io
import os
import time

import pytest

from rsslib import progress
from rsslib.progress import Progress
from rsslib.project import InputError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(monkeypatch):
    def run(stream: io.StringIO, total: int, target: str = "", start: int = 0) -> str:
        monkeypatch.setenv(progress.VARIABLE, target)
        monkeypatch.setattr("sys.stderr", stream)
        with Progress(total, "emd x3", start) as line:
            for done in range(start + 1, total + 1):
                line.step(done, f"loss {done}")
        return stream.getvalue()
    return run


def test_in_a_log_there_is_a_plain_line_every_tenth_of_the_way(run):
    lines = run(io.StringIO(), 200).splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("emd x3: 20/200, ") and lines[-1] == "emd x3: 200/200, 0:00 left, loss 200"
    assert not any(character in line for line in lines for character in "\r\x1b")


def test_steps_that_pass_a_tenth_are_told(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setenv(progress.VARIABLE, "")
    monkeypatch.setattr("sys.stderr", stream)
    with Progress(50, "emd x3") as line:
        for done in range(4, 51, 4):    # none of them is a multiple of five but 20 and 40
            line.step(done)
    assert [told.split()[2] for told in stream.getvalue().splitlines()] == [
        f"{done}/50," for done in (8, 12, 16, 20, 28, 32, 36, 40, 48)]


def test_few_steps_have_a_line_each(run):
    assert len(run(io.StringIO(), 3).splitlines()) == 3


def test_a_continued_work_starts_where_it_stopped(run):
    assert [line.split(",")[0] for line in run(io.StringIO(), 10, start=8).splitlines()] == [
        "emd x3: 9/10", "emd x3: 10/10"]


def test_in_a_terminal_one_line_is_written_over_and_ended(run):
    text = run(Terminal(), 200)
    assert text.count("\r") == 200 and text.count("\n") == 1 and text.endswith("\n")


def test_off_is_silence(run):
    assert run(Terminal(), 5, target="off") == ""


def test_a_named_file_gets_every_line_in_place_of_the_terminal(run, tmp_path):
    path = tmp_path / "lines.log"
    path.write_text("before\n")
    assert run(Terminal(), 30, target=str(path)) == ""
    lines = path.read_text().splitlines()
    assert lines[0] == "before" and len(lines) == 31 and "\r" not in "".join(lines)


def test_the_time_left_grows_with_the_work_left(run, monkeypatch):
    clock = iter(range(0, 1000, 60))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    lines = run(io.StringIO(), 3).splitlines()
    assert [line.split(", ")[1] for line in lines] == ["2:00 left", "1:00 left", "0:00 left"]


def test_a_relay_shows_what_a_child_writes_and_leaves_no_trace(monkeypatch, capfd):
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    with progress.relay():
        with open(os.environ[progress.VARIABLE], "a") as lines:
            lines.write("emd x3: 1/3, 0:02 left\n")
        time.sleep(1.2)
    assert "emd x3: 1/3" in capfd.readouterr().err
    assert progress.VARIABLE not in os.environ


def test_a_relay_leaves_a_target_of_the_user_alone(monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, "off")
    with progress.relay():
        assert os.environ[progress.VARIABLE] == "off"


@pytest.mark.parametrize("target", ["folder", "file/lines", "missing/lines", "x" * 300])
def test_a_file_that_cannot_be_written_is_named_before_the_work(tmp_path, monkeypatch, target):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / target))
    with pytest.raises(InputError, match="RSSLIB_PROGRESS is .*, which cannot be written to .*; expected"):
        Progress(3, "emd x3")


@pytest.mark.parametrize("target", ["off", "OFF", " off "])
def test_off_is_silence_however_it_is_written(run, target):
    assert run(Terminal(), 5, target=target) == ""


def test_nothing_to_do_is_no_error(run):
    assert run(io.StringIO(), 0) == ""
    with Progress(0, "none") as line:
        line.step(0)


def test_a_log_that_breaks_off_ends_no_work(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "lines"))
    with Progress(3, "emd x3") as line:
        line.step(1)
        line.file.close()
        line.step(2)
    assert len((tmp_path / "lines").read_text().splitlines()) == 1


def test_a_relay_without_a_standard_error_shows_nothing(monkeypatch):
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    monkeypatch.setattr("sys.stderr", None)
    with progress.relay(), Progress(2, "emd") as line:
        line.step(1)
        time.sleep(0.7)
