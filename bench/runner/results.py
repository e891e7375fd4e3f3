"""Medians, spreads and ratios of what was measured."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from .cells import Cell, Wish
from .machine import Machine
from .measuring import Sample
from .servers import REFERENCE


@dataclass(frozen=True)
class Figure:
    """A median, and the least and the greatest of what it was taken from."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: list[float]) -> "Figure":
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Run:
    """What was measured, on what, and the command that repeats it."""

    command: str
    machine: Machine
    versions: dict[str, str]
    samples: list[Sample]

    def write(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self), indent=1))
        new.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Run":
        value = json.loads(path.read_text())
        samples = [Sample(**each) for each in value["samples"]]
        return cls(value["command"], Machine(**value["machine"]), value["versions"], samples)


class Results:
    """All samples, asked by cell and server."""

    def __init__(self, samples: list[Sample]) -> None:
        self._samples: dict[tuple[str, str], list[Sample]] = {}
        for sample in samples:
            self._samples.setdefault((sample.cell, sample.server), []).append(sample)

    def took_part(self, cell: Cell, server: str) -> bool:
        return (cell.name, server) in self._samples

    def figure(self, cell: Cell, server: str) -> Figure | None:
        values = [sample.figure for sample in self._of(cell, server) if sample.figure is not None]
        return Figure.of(values) if values else None

    def failures(self, cell: Cell, server: str) -> list[str]:
        """Why repetitions failed; empty where none did."""
        return [sample.failure for sample in self._of(cell, server) if sample.failure]

    def repetitions(self, cell: Cell, server: str) -> int:
        return len(self._of(cell, server))

    def ratio(self, cell: Cell, server: str, to: str = REFERENCE) -> Figure | None:
        """`server` ÷ `to`, taken within each repetition, where both were measured close to each other."""
        below = {sample.repetition: sample.figure for sample in self._of(cell, to)}
        pairs = [(sample.figure, below.get(sample.repetition)) for sample in self._of(cell, server)]
        ratios = [above / under for above, under in pairs if above is not None and under]
        return Figure.of(ratios) if ratios else None

    def between(self, cell: Cell, other: Cell, server: str) -> Figure | None:
        """A server's figure in `cell` ÷ its figure in `other`, repetition by repetition."""
        below = {sample.repetition: sample.figure for sample in self._of(other, server)}
        pairs = [(sample.figure, below.get(sample.repetition)) for sample in self._of(cell, server)]
        ratios = [above / under for above, under in pairs if above is not None and under]
        return Figure.of(ratios) if ratios else None

    def wire_bytes(self, cell: Cell, server: str) -> Figure | None:
        """Bytes that the server wrote for each message, frame header included."""
        raws = [sample.raw for sample in self._of(cell, server) if sample.raw and sample.figure is not None]
        values = [raw["bytes_received"] / raw["messages_received"] for raw in raws if raw["messages_received"]]
        return Figure.of(values) if values and Wish.DEFLATE in cell.wishes else None

    def _of(self, cell: Cell, server: str) -> list[Sample]:
        return self._samples.get((cell.name, server), [])
