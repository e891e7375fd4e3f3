"""Runs the load generator against one server after the other, and keeps what it says."""

import json
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from .cells import Cell, Metric, Wish
from .servers import PROGRAM, Failed, Running, Server, last_line, running


@dataclass(frozen=True)
class Options:
    """How long and how often."""

    repeat: int
    duration: float
    warm_up: float


@dataclass(frozen=True)
class Sample:
    """One run of a cell on a server: its figure, or why there is none."""

    cell: str
    server: str
    repetition: int
    figure: float | None
    failure: str | None
    raw: dict[str, Any] | None


def measure_all(
    cells: list[Cell], servers: list[Server], options: Options, first: int, tell: Callable[[str], None]
) -> Iterable[Sample]:
    """Every server of a cell in turn, then the next cell; and all of that again for each repetition.

    What disturbs the machine for a while so meets all servers of a cell, and one repetition of several; and each
    repetition begins with another server. Its number counts from `first`.
    """
    work = [
        (repetition, cell, server)
        for repetition in range(first, first + options.repeat)
        for cell in cells
        for server in _turned(servers, repetition)
        if server.takes_part(cell)
    ]
    places = {cell.name: at for at, cell in enumerate(cells, 1)}
    started = time.monotonic()
    for done, (repetition, cell, server) in enumerate(work):
        left = (time.monotonic() - started) / done * (len(work) - done) if done else None
        time_left = f", {_clock(left)} left" if left is not None else ""
        place = f"repetition {repetition - first + 1} of {options.repeat}, cell {places[cell.name]} of {len(cells)}"
        tell(f"[{place}{time_left}] {cell.name}: {server.name}")
        sample = _measure(cell, server, repetition, options)
        tell("  " + (sample.failure and f"FAILED: {sample.failure}" or describe(cell, sample)))
        yield sample


def _turned(servers: list[Server], by: int) -> list[Server]:
    by %= len(servers)
    return servers[by:] + servers[:by]


def describe(cell: Cell, sample: Sample) -> str:
    """The figure with its unit, and what else says whether it is plausible."""
    raw = sample.raw or {}
    if cell.idle:
        return f"{sample.figure:,.0f} bytes a connection"
    server = raw["server"]
    busy = server["cpu_ns"] / 1e9 / raw["seconds"]
    per_message = server["cpu_ns_per_message"]
    return f"{per_message:,.0f} ns a message, {raw['messages_per_second']:,.0f} messages/s, server {busy:.0%} of a core"


def _measure(cell: Cell, server: Server, repetition: int, options: Options) -> Sample:
    raw: dict[str, Any] | None = None
    try:
        with running(server, cell) as instance:
            if cell.idle:
                # The first connections page the server's own code in; what counts is what the others cost.
                _load(replace(cell, connections=100), server, instance, replace(options, duration=1))
            raw, status = _load(cell, server, instance, options)
        figure, failure = _figure(cell, raw, status), None
    except Failed as failed:
        figure, failure = None, str(failed)
    return Sample(cell.name, server.name, repetition, figure, failure, raw)


def _load(cell: Cell, server: Server, instance: Running, options: Options) -> tuple[dict[str, Any], int]:
    """What the load generator says, and the status it ends with."""
    scheme = "wss" if Wish.TLS in cell.wishes else "ws"
    command = [
        *("taskset", "--cpu-list", cell.load_cores, str(PROGRAM), "bench"),
        f"{scheme}://127.0.0.1:{instance.port}{server.path(cell)}",
        *("--connections", str(cell.connections), *server.load(cell)),
        *("--duration", f"{options.duration}s", "--warm-up", f"{options.warm_up}s"),
        *("--threads", str(cell.threads), "--pid", str(instance.pid), "--json"),
    ]
    if scheme == "wss":
        command.append("--danger-accept-any-certificate")
    limit = options.duration + options.warm_up + 90
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired as expired:
        raise Failed(f"the load did not end within {limit:.0f} s") from expired
    try:
        return json.loads(done.stdout), done.returncode
    except json.JSONDecodeError as wrong:
        raise Failed(f"the load ended with status {done.returncode}: {last_line(done.stderr)}") from wrong


def _figure(cell: Cell, raw: dict[str, Any], status: int) -> float:
    """The figure of the cell, which only a run without any error has."""
    errors = {kind: count for kind, count in raw.get("errors", {}).items() if count}
    if errors:
        raise Failed(", ".join(f"{count} × {kind}" for kind, count in errors.items()))
    if status != 0:
        raise Failed(f"the load ended with status {status}")
    if Wish.DEFLATE in cell.wishes and raw.get("deflate") is False:
        raise Failed("compression was declined")
    if not cell.idle and not raw["messages_received"]:
        raise Failed("no message came back")
    where = raw if cell.metric is Metric.RATE else raw["server"]
    return float(where[cell.metric.value])


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
