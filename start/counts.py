"""Adds up what the test runners wrote, so that a run ends with one honest line."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_GO_LINE = re.compile(r"^\s*--- (PASS|FAIL|SKIP): ", re.MULTILINE)


@dataclass(frozen=True)
class Counts:
    """How many tests passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def of_reports(reports: Iterable[Path]) -> Counts:
    """Sums JUnit XML files, as Surefire, Failsafe and pytest write them."""
    total = Counts()
    for report in reports:
        root = ElementTree.parse(report).getroot()
        for suite in [root] if root.tag == "testsuite" else root.iter("testsuite"):
            tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
            failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            total += Counts(tests - failed - skipped, failed, skipped)
    return total


def of_go(log: Path) -> Counts:
    """Counts the verdicts in the output of `go test -v`."""
    verdicts = _GO_LINE.findall(log.read_text(errors="replace"))
    return Counts(verdicts.count("PASS"), verdicts.count("FAIL"), verdicts.count("SKIP"))
