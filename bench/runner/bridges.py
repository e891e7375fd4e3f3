"""A command on a line beside websocketd: in turns, in each of which both bear every load."""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .bars import ratio_with_spread
from .results import Figure
from .servers import BENCH, PROGRAM, ROOT, Failed, Running, last_line, started
from .starting import come_and_go, held

OURS, THEIRS = "tieline", "websocketd"

# How each is started on a port.
COMMANDS: dict[str, Callable[[int], list[str]]] = {
    OURS: lambda port: [
        *(str(PROGRAM), "serve", "--config", str(BENCH / "bridges.toml"), "--workers", "1"),
        *("--listen", f"127.0.0.1:{port}"),
    ],
    THEIRS: lambda port: ["websocketd", "--address=127.0.0.1", f"--port={port}", "cat"],
}

# Those before the ones that are counted page the server's own code in.
_FIRST = 50


@dataclass(frozen=True)
class Load:
    """What is done to a server, and which figure comes of it."""

    title: str
    unit: str
    # Of a server, for so many seconds.
    measure: Callable[[Running, float], float]
    less_is_better: bool = False


def main() -> None:
    arguments = _arguments()
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("two cores are needed: one for the server and its processes, one for the load")
    if not arguments.no_build:
        _build()
    loads = [load for load in LOADS if arguments.only in load.title]
    found: dict[tuple[str, str], list[float]] = {}
    for turn in range(arguments.turns):
        for load in loads:
            # Who is first in one turn is second in the next.
            for name in (OURS, THEIRS) if turn % 2 == 0 else (THEIRS, OURS):
                with started(name, "0", COMMANDS[name]) as server:
                    figure = load.measure(server, arguments.duration)
                found.setdefault((load.title, name), []).append(figure)
                print(f"[turn {turn + 1}] {load.title}: {name}, {figure:,.0f} {load.unit}", flush=True)
    print(f"\n{_table(loads, found)}", end="")


def _arguments() -> argparse.Namespace:
    about = "Measures a command on a line beside websocketd, a package of Debian."
    parser = argparse.ArgumentParser(prog="bench/bridges", description=about)
    parser.add_argument("--turns", type=int, default=7, help="how often each is measured (7)")
    parser.add_argument("--duration", type=float, default=3.0, help="seconds measured in each (3)")
    parser.add_argument("--only", default="", help="only loads with this in their title")
    parser.add_argument("--no-build", action="store_true", help="what is built is taken as it is")
    return parser.parse_args()


def _build() -> None:
    if shutil.which(THEIRS) is None:
        raise SystemExit(f"{THEIRS} is missing: apt-get install {THEIRS}")
    if subprocess.run(["make", "--no-print-directory", "-C", str(ROOT), "build"], check=False).returncode != 0:
        raise SystemExit("make build failed")


def _messages(connections: int, in_flight: int, size: str) -> Load:
    def measure(server: Running, duration: float) -> float:
        command = [
            *("taskset", "--cpu-list", "1", str(PROGRAM), "bench", f"ws://127.0.0.1:{server.port}/"),
            *("--connections", str(connections), "--in-flight", str(in_flight), "--size", size, "--text"),
            *("--duration", f"{duration}s", "--warm-up", "1s", "--json"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=duration + 60, check=False)
        if done.returncode != 0:
            raise Failed(f"the load ended with status {done.returncode}: {last_line(done.stderr)}")
        return float(json.loads(done.stdout)["messages_per_second"])

    return Load(f"through `cat` and back, {connections} × {size}B × {in_flight}", "messages/s", measure)


def _starts(at_once: int) -> Load:
    def measure(server: Running, duration: float) -> float:
        began = time.monotonic()
        count = asyncio.run(come_and_go(server.port, at_once, duration))
        # Who leaves the end of its processes for later is not faster for that.
        while _processes_of(server):
            time.sleep(0.001)
        return count / (time.monotonic() - began)

    return Load(f"connect, one line through a new `cat`, leave; {at_once} at once", "connections/s", measure)


def _memory(connections: int, what: str, processes_too: bool) -> Load:
    def resident(server: Running) -> int:
        return sum(map(_resident, [server.pid, *(_processes_of(server) if processes_too else [])]))

    async def grown(server: Running) -> float:
        async with held(server.port, _FIRST):
            before = resident(server)
            async with held(server.port, connections):
                return (resident(server) - before) / connections

    return Load(
        f"resident memory of {what}, for each of {connections} connections",
        "bytes",
        lambda server, _: asyncio.run(grown(server)),
        less_is_better=True,
    )


LOADS = (
    _messages(1, 1, "128"),
    _messages(1, 64, "128"),
    _messages(64, 1, "128"),
    _messages(64, 16, "128"),
    _messages(64, 1, "16K"),
    _starts(1),
    _starts(16),
    _memory(500, "the server", processes_too=False),
    _memory(500, "server and processes", processes_too=True),
)


def _processes_of(server: Running) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{server.pid}/task").glob("*/children"):
        # A thread that has ended meanwhile has left its own to another.
        with suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, children.read_text().split())
    return found


def _resident(pid: int) -> int:
    """Resident memory of a process, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def _table(loads: list[Load], found: dict[tuple[str, str], list[float]]) -> str:
    """Medians, and the ratio within each turn, where both were measured close to each other."""
    lines = ["| | unit | tieline | websocketd | ratio | |", "| --- | --- | --- | --- | --- | --- |"]
    for load in loads:
        ours, theirs = found[load.title, OURS], found[load.title, THEIRS]
        ratio = Figure.of([mine / other for mine, other in zip(ours, theirs, strict=True)])
        is_met = ratio.median <= 1 if load.less_is_better else ratio.median >= 1
        figures = " | ".join(f"{median(figures):,.0f}" for figures in (ours, theirs))
        word = "met" if is_met else "**missed**"
        lines.append(f"| {load.title} | {load.unit} | {figures} | {ratio_with_spread(ratio)} | {word} |")
    return "\n".join(lines) + "\n"
