"""The parts of the start script that decide something."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import counts
import places
from failure import Failure
from stages import Stages


def _report(folder: Path, name: str, **attributes: int) -> Path:
    text = " ".join(f'{key}="{value}"' for key, value in attributes.items())
    path = folder / name
    path.write_text(f"<testsuite {text}></testsuite>")
    return path


def test_reports_of_all_runners_add_up(tmp_path: Path) -> None:
    """A failure, an error and a skipped test each count for what they are."""
    surefire = _report(tmp_path, "a.xml", tests=7, failures=1, errors=1, skipped=2)
    wrapped = tmp_path / "pytest.xml"
    wrapped.write_text('<testsuites><testsuite tests="3" failures="0" errors="0"/></testsuites>')

    total = counts.of_reports([surefire, wrapped])

    assert str(total) == "6 passed, 2 failed, 2 skipped"


def test_go_verdicts_are_counted_with_subtests(tmp_path: Path) -> None:
    """Subtests are indented and count too."""
    log = tmp_path / "go.log"
    log.write_text("=== RUN A\n--- PASS: A (0.0s)\n    --- FAIL: A/b (0.0s)\n--- SKIP: C\nok\n")

    assert counts.of_go(log) == counts.Counts(passed=1, failed=1, skipped=1)


def test_a_key_follows_content_and_not_the_order_of_files(tmp_path: Path) -> None:
    """The cache is keyed by what the files hold."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    before = places.content_key([one, two], "word")

    assert places.content_key([two, one], "word") == before
    two.write_text("3")
    assert places.content_key([one, two], "word") != before


def test_a_failing_command_fails_its_stage_and_names_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last lines of the output are shown and the exit code is named."""
    monkeypatch.setattr("stages.LOGS", tmp_path)

    with pytest.raises(Failure, match=r"exit code 3; its whole output is in .*some-work\.log"):
        Stages().run("some work", ["sh", "-c", "echo the reason; exit 3"])

    assert "the reason" in capsys.readouterr().out
