"""Writes what was measured into docs/benchmarks.md, between two markers; prose around them stays."""

from pathlib import Path

from .bars import ratio_with_spread, verdicts
from .cells import Cell, Metric
from .results import Results, Run
from .servers import OURS, REFERENCE, Server

LEGEND = (
    "Connections × payload × messages in flight; each server's CPU per message ÷ µWebSockets', whose own is in "
    "nanoseconds. Below 1 costs less. A fan-out's messages are those that were delivered."
)

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def report(results: Results, cells: list[Cell], servers: list[Server], run: Run) -> str:
    """The measured part, in Markdown."""
    notes: list[str] = []
    sections = [
        ("The bars", "Ours ÷ µWebSockets, median of the repetitions (least to greatest).", _bars(results, cells)),
        ("CPU for a message", LEGEND, _ratios(results, cells, servers, notes)),
        (
            "Memory of an idle connection",
            "10,000 connections, bytes of resident memory that each added.",
            _memory(results, cells, servers, notes),
        ),
        (
            "Memory of channels",
            "What each connection added, its own session included, and what each channel with one subscriber did.",
            _channels(results, cells),
        ),
        (
            "Output of compression",
            "Bytes on the wire for each message of 16 KiB, frame header included.",
            _output(results, cells, servers),
        ),
        (
            "Two workers",
            "128 B, 64 connections a worker, 16 in flight; a thread of load for each worker, on the same cores.",
            _scaling(results, cells),
        ),
        ("Failures", "", "".join(f"{at}. {note}\n" for at, note in enumerate(notes, 1))),
        ("What was measured", "", _servers(servers, run.versions)),
    ]
    parts = [f"### {title}\n\n{told}\n\n{table}" for title, told, table in sections if table]
    return "\n\n".join([_introduction(run), *(part.replace("\n\n\n\n", "\n\n").rstrip() for part in parts)]) + "\n"


def write(path: Path, measured: str) -> None:
    """Puts `measured` between the markers of `path`."""
    text = path.read_text()
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{path} lacks the lines {BEGIN} and {END}")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    path.write_text(f"{before}{BEGIN}\n\n{measured}\n{END}{after}")


def _introduction(run: Run) -> str:
    found = run.machine
    where = f"{found.cores} cores, {found.processor}, {found.kernel}"
    return f"![Ratios to µWebSockets](benchmarks.svg)\n\n`{run.command}` on {where}. A peer's result is never edited."


def _bars(results: Results, cells: list[Cell]) -> str:
    rows = [[line.what, line.bar, line.figure, line.word] for line in verdicts(results, cells)]
    return _table(["", "bar", "measured", ""], rows)


def _ratios(results: Results, cells: list[Cell], servers: list[Server], notes: list[str]) -> str:
    others = [server for server in servers if server.name != REFERENCE]
    rows = []
    for cell in cells:
        if cell.metric is not Metric.CPU:
            continue
        row = [cell.title, _own(results, cell)]
        for server in others:
            ratio = results.ratio(cell, server.name)
            shown = "" if ratio is None else ratio_with_spread(ratio) if server.ours else f"{ratio.median:.2f}"
            row.append(_with_failure(results, cell, server, shown, notes))
        rows.append(row)
    return _table(["", "µWebSockets, ns", *(server.label for server in others)], rows)


def _own(results: Results, cell: Cell) -> str:
    figure = results.figure(cell, REFERENCE)
    return f"{figure.median:,.0f}" if figure else ""


def _with_failure(results: Results, cell: Cell, server: Server, shown: str, notes: list[str]) -> str:
    failures = results.failures(cell, server.name)
    if not failures:
        return shown
    again = f"{len(failures)} of {results.repetitions(cell, server.name)}"
    notes.append(f"{server.label}, {cell.full_title}: failed in {again}: {failures[0]}")
    return f"{shown} failed ({len(notes)})".strip()


def _output(results: Results, cells: list[Cell], servers: list[Server]) -> str:
    rows = []
    for cell in cells:
        for server in servers:
            if figure := results.wire_bytes(cell, server.name):
                rows.append([server.label, f"{figure.median:,.0f}"])
    return _table(["", "bytes"], rows)


def _memory(results: Results, cells: list[Cell], servers: list[Server], notes: list[str]) -> str:
    idle = [cell for cell in cells if cell.idle and not cell.memory_of_channels]
    rows = []
    for server in servers:
        if any(results.took_part(cell, server.name) for cell in idle):
            figures = [(cell, results.figure(cell, server.name)) for cell in idle]
            shown = [(cell, f"{figure.median:,.0f}" if figure else "") for cell, figure in figures]
            rows.append([server.label, *(_with_failure(results, cell, server, text, notes) for cell, text in shown)])
    return _table(["", *(cell.title for cell in idle)], rows)


def _channels(results: Results, cells: list[Cell]) -> str:
    chosen = [cell for cell in cells if cell.memory_of_channels]
    rows = [[cell.title, f"{figure.median:,.0f}"] for cell in chosen if (figure := results.figure(cell, OURS))]
    one, many = (next((cell for cell in chosen if bool(cell.channels) is has), None) for has in (False, True))
    if one and many and many.channels:
        below, above = results.figure(one, OURS), results.figure(many, OURS)
        if below and above:
            each = (above.median - below.median) / many.channels
            rows.append([f"each of {many.connections * many.channels:,} channels", f"{each:,.0f}"])
    return _table(["", "bytes"], rows)


def _scaling(results: Results, cells: list[Cell]) -> str:
    rows = []
    for cell in cells:
        if cell.metric is Metric.RATE and (figure := results.figure(cell, OURS)):
            rows.append([cell.title, f"{figure.median:,.0f} ({figure.least:,.0f} to {figure.greatest:,.0f})"])
    return _table(["", "messages per second"], rows)


def _servers(servers: list[Server], versions: dict[str, str]) -> str:
    rows = [
        [f"[{server.label}](../bench/{server.source})", versions.get(server.name, "?"), server.configuration]
        for server in servers
    ]
    return _table(["", "version", "configuration"], rows)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n" if rows else ""
