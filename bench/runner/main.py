"""The command line: what is measured, how often, and where it is written."""

import argparse
import os
import shlex
import subprocess
from dataclasses import replace

from . import cells, servers
from .chart import chart
from .machine import machine, versions
from .measuring import Options, measure_all
from .report import report, write
from .results import Results, Run
from .servers import BENCH, PROGRAM, ROOT

RESULTS = BENCH / "results"
LATEST = RESULTS / "latest.json"
DOCUMENT, PICTURE = ROOT / "docs/benchmarks.md", ROOT / "docs/benchmarks.svg"


def main() -> None:
    arguments = _arguments()
    chosen = cells.choose(_words(arguments.cells))
    measured = servers.choose(_words(arguments.servers), arguments.publisher)
    if arguments.list:
        print("\n".join(f"{cell.name:24} {cell.title}" for cell in chosen))
        return
    run = Run.read(LATEST) if arguments.report_only else _measure(arguments, chosen, measured)
    if arguments.add:
        chosen, measured = list(cells.CELLS), servers.choose([], arguments.publisher)
    if arguments.add or arguments.report_only:
        chosen = [cell for cell in chosen if any(sample.cell == cell.name for sample in run.samples)]
        measured = [server for server in measured if any(sample.server == server.name for sample in run.samples)]
    results = Results(run.samples)
    told = report(results, chosen, measured, run)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "report.md").write_text(told)
    (RESULTS / "chart.svg").write_text(chart(results, chosen, measured))
    print(f"\n{told}")
    whole = not (arguments.cells or arguments.servers or arguments.quick)
    if arguments.write or (whole and not arguments.report_only):
        write(DOCUMENT, told)
        PICTURE.write_text(chart(results, chosen, measured))
        print(f"written to {DOCUMENT.relative_to(ROOT)} and {PICTURE.relative_to(ROOT)}")
    else:
        print("docs/ is as it was: this was a part, or quick (--write writes it all the same)")


def _measure(arguments: argparse.Namespace, chosen: list[cells.Cell], measured: list[servers.Server]) -> Run:
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("two cores are needed: one for the server, one for its load")
    if arguments.add and not LATEST.exists():
        raise SystemExit(f"there are no results to add to in {LATEST.relative_to(ROOT)}: run it without --add first")
    _build(arguments)
    run = Run(_command(arguments), machine(), versions(), [])
    if arguments.add:
        earlier = Run.read(LATEST)
        run = replace(run, command=f"{earlier.command}`, then `{run.command}", samples=earlier.samples)
    first = 1 + max((sample.repetition for sample in run.samples), default=-1)
    for sample in measure_all(chosen, measured, _options(arguments), first, lambda line: print(line, flush=True)):
        run.samples.append(sample)
        # After each sample, so that a run that is ended leaves what it has.
        run.write(LATEST)
    return run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description="Measures the server beside other people's.")
    parser.add_argument("--cells", default="", help="only these, by comma; a * stands for anything")
    parser.add_argument("--servers", default="", help="only these, by comma; ratios need uwebsockets among them")
    parser.add_argument("--repeat", type=int, help="repetitions (3; quick: 1)")
    parser.add_argument("--duration", type=float, help="seconds measured in each (5; quick: 1)")
    parser.add_argument("--quick", action="store_true", help="one second each and once: does it all work?")
    parser.add_argument("--publisher", help="a command with {port} that serves the fan-out, instead of the chat")
    parser.add_argument("--add", action="store_true", help="adds repetitions to the latest results, of the same build")
    parser.add_argument("--no-build", action="store_true", help="what is built is taken as it is")
    parser.add_argument("--report-only", action="store_true", help="measures nothing, tells the latest results again")
    parser.add_argument("--write", action="store_true", help="writes docs/benchmarks.md even from a part")
    parser.add_argument("--list", action="store_true", help="lists the cells")
    return parser.parse_args()


def _options(arguments: argparse.Namespace) -> Options:
    quick = arguments.quick
    return Options(
        repeat=arguments.repeat or (1 if quick else 3),
        duration=arguments.duration or (1.0 if quick else 5.0),
        warm_up=0.5 if quick else 1.0,
    )


def _build(arguments: argparse.Namespace) -> None:
    if arguments.no_build:
        if not PROGRAM.exists():
            raise SystemExit(f"{PROGRAM} is not built")
        return
    for command in ([str(BENCH / "install")], ["make", "--no-print-directory", "-C", str(ROOT), "build"]):
        if subprocess.run(command, check=False).returncode != 0:
            raise SystemExit(f"{shlex.join(command)} failed")


def _command(arguments: argparse.Namespace) -> str:
    """What repeats this run."""
    given = [
        (flag, value)
        for flag in ("cells", "servers", "repeat", "duration", "publisher")
        if (value := getattr(arguments, flag))
    ]
    if not given and not arguments.quick:
        return "make bench"
    words = ["bench/run", *(["--quick"] if arguments.quick else [])]
    return shlex.join(words + [word for flag, value in given for word in (f"--{flag}", str(value))])


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]
