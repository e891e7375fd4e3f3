"""What is told of samples made by hand: `python3 -m unittest discover -t bench -s bench/runner`."""

import tempfile
import unittest
from pathlib import Path

from . import cells, servers
from .bars import verdicts
from .machine import Machine
from .measuring import Sample
from .report import BEGIN, END, report, write
from .results import Results, Run

CELL = cells.choose(["echo-64x128Bx16"])[0]


def sample(server: str, repetition: int, figure: float | None, failure: str | None = None) -> Sample:
    return Sample(CELL.name, server, repetition, figure, failure, None)


def told(samples: list[Sample]) -> str:
    run = Run("make bench", Machine("a processor", 2, "Linux"), {}, samples)
    return report(Results(samples), [CELL], servers.choose(["tieline", "uwebsockets", "yawc"], None), run)


class Ratios(unittest.TestCase):
    def test_a_ratio_is_taken_within_a_repetition(self) -> None:
        # The machine was twice as slow in the second repetition, for both.
        samples = [sample("tieline", 0, 90), sample("uwebsockets", 0, 100)]
        samples += [sample("tieline", 1, 180), sample("uwebsockets", 1, 200)]
        ratio = Results(samples).ratio(CELL, "tieline")
        assert ratio is not None
        self.assertEqual((ratio.least, ratio.median, ratio.greatest), (0.9, 0.9, 0.9))

    def test_a_bar_within_the_spread_is_left_to_noise(self) -> None:
        samples = [sample("uwebsockets", at, 100) for at in range(3)]
        samples += [sample("tieline", at, figure) for at, figure in enumerate((94, 93, 99))]
        self.assertEqual(verdicts(Results(samples), [CELL])[0].word, "met; noise decides")

    def test_a_bar_is_missed_where_ours_failed_once(self) -> None:
        samples = [sample("uwebsockets", at, 100) for at in range(2)]
        samples += [sample("tieline", 0, 50), sample("tieline", 1, None, "3 × disconnected")]
        verdict = verdicts(Results(samples), [CELL])[0]
        self.assertEqual((verdict.word, verdict.figure), ("**missed**", "failed 1 of 2: 3 × disconnected"))


class Reports(unittest.TestCase):
    def test_a_peer_that_fails_is_shown_with_its_reason(self) -> None:
        text = told([sample("uwebsockets", 0, 100), sample("yawc", 0, None, "3 × disconnected")])
        self.assertIn("| failed (1) |", text)
        self.assertIn("1. yawc, 64 × 128 B × 16: failed in 1 of 1: 3 × disconnected", text)

    def test_prose_around_the_markers_stays(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "page.md"
            path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
            write(path, "new\n")
            self.assertEqual(path.read_text(), f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n")


class Choices(unittest.TestCase):
    def test_a_server_is_measured_only_with_what_it_can(self) -> None:
        by_name = {server.name: server for server in servers.SERVERS}
        deflate, idle = (cells.choose([name])[0] for name in ("deflate-64x16KiBx1", "idle"))
        self.assertTrue(by_name["yawc"].takes_part(deflate))
        self.assertFalse(by_name["fastwebsockets"].takes_part(deflate))
        self.assertFalse(by_name["uwebsockets-libdeflate"].takes_part(idle))

    def test_the_chat_is_told_less_for_its_prefix(self) -> None:
        cell = cells.choose(["fan-out-1000x1"])[0]
        ours, theirs = servers.choose(["tieline", "uwebsockets"], None)
        self.assertEqual((ours.size(cell), theirs.size(cell)), (118, 128))
        publisher = servers.choose(["tieline"], "publish {port}")[0]
        self.assertEqual((publisher.size(cell), publisher.path(cell)), (128, "/"))
