"""What is measured: each cell is one load on every server that can bear it."""

from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatch

KIB, MIB = 1024, 1024 * 1024


class Metric(Enum):
    """The figure that a cell compares; the value is its key in a sample."""

    CPU = "cpu_ns_per_message"
    MEMORY = "rss_bytes_per_connection"
    RATE = "messages_per_second"


class Wish(Enum):
    """What a server is asked for on its command line."""

    DEFLATE = "deflate"
    LEAN = "lean"
    PUBLISH = "publish"
    TLS = "tls"


@dataclass(frozen=True)
class Bar:
    """What the figure has to be, at most, as a multiple of µWebSockets' or on its own."""

    ratio: float | None = None
    absolute: float | None = None


@dataclass(frozen=True)
class Cell:
    name: str
    title: str
    connections: int
    size: int = 0
    in_flight: int = 1
    flags: tuple[str, ...] = ()
    metric: Metric = Metric.CPU
    wishes: frozenset[Wish] = field(default_factory=frozenset)
    bar: Bar = Bar()
    # Whether ws and websockets, some ten and fifty times slower, take part.
    slow: bool = False
    ours_only: bool = False
    workers: int = 1
    threads: int = 1
    server_cores: str = "0"
    load_cores: str = "1"
    # Ours: over channels in the native language. Each connection has so many of its own, or hears the one of all.
    channels: int | None = None

    @property
    def idle(self) -> bool:
        return self.metric is Metric.MEMORY

    @property
    def full_title(self) -> str:
        """The title where other kinds of cells stand beside it."""
        return f"{self.connections:,} idle, {self.title}" if self.idle else self.title

    @property
    def fan_out(self) -> bool:
        return Wish.PUBLISH in self.wishes

    @property
    def memory_of_channels(self) -> bool:
        return self.idle and self.channels is not None


def _bytes(size: int) -> str:
    if size >= MIB:
        return f"{size // MIB} MiB"
    return f"{size // KIB} KiB" if size >= KIB else f"{size} B"


def _echo(connections: int, size: int, in_flight: int, bar: float, slow: bool = False) -> Cell:
    return Cell(
        name=f"echo-{connections}x{_bytes(size).replace(' ', '')}x{in_flight}",
        title=f"{connections:,} × {_bytes(size)} × {in_flight}",
        connections=connections,
        size=size,
        in_flight=in_flight,
        flags=("--binary",),
        bar=Bar(ratio=bar),
        slow=slow,
    )


def _fan_out(subscribers: int, batch: int, bar: float) -> Cell:
    how = "one at a time" if batch == 1 else f"batches of {batch}"
    return Cell(
        name=f"fan-out-{subscribers}x{batch}",
        title=f"128 B to {subscribers:,}, {how}",
        connections=subscribers,
        size=128,
        in_flight=batch,
        flags=("--fan-out", "--text"),
        wishes=frozenset({Wish.PUBLISH}),
        bar=Bar(ratio=bar),
        slow=subscribers <= 1000,
    )


def _published(subscribers: int) -> Cell:
    return Cell(
        name=f"channel-{subscribers}",
        title=f"128 B, a channel of {subscribers:,}",
        connections=subscribers,
        size=128,
        flags=("--fan-out", "--text"),
        wishes=frozenset({Wish.PUBLISH}),
        bar=Bar(ratio=1.00),
        channels=0,
    )


def _channels(name: str, connections: int, each: int, title: str) -> Cell:
    return Cell(
        name=name,
        title=title,
        connections=connections,
        flags=("--idle",),
        metric=Metric.MEMORY,
        ours_only=True,
        channels=each,
    )


def _idle(name: str, title: str, wish: Wish | None, bar: Bar) -> Cell:
    flags = {
        Wish.DEFLATE: ("--deflate",),
        # Ten thousand handshakes at once take longer than some servers wait for the last of them.
        Wish.TLS: ("--ramp", "1000"),
    }
    return Cell(
        name=name,
        title=title,
        connections=10_000,
        flags=("--idle", *(flags.get(wish, ()) if wish else ())),
        metric=Metric.MEMORY,
        wishes=frozenset({Wish.LEAN} | ({wish} if wish else set())),
        bar=bar,
        slow=True,
    )


def _scaling(workers: int, cores: str) -> Cell:
    return Cell(
        name=f"scaling-{workers}",
        title=f"{workers} {'worker' if workers == 1 else 'workers'}, load on the same",
        connections=64 * workers,
        size=128,
        in_flight=16,
        flags=("--binary",),
        metric=Metric.RATE,
        ours_only=True,
        workers=workers,
        threads=workers,
        server_cores=cores,
        load_cores=cores,
    )


CELLS: tuple[Cell, ...] = (
    _echo(64, 128, 1, 1.00, slow=True),
    _echo(1000, 128, 1, 1.00),
    _echo(10_000, 128, 1, 1.05),
    _echo(64, 128, 16, 0.95, slow=True),
    _echo(64, KIB, 16, 0.80),
    _echo(64, 16 * KIB, 16, 0.80, slow=True),
    _echo(64, MIB, 1, 0.85),
    Cell(
        name="text-64x16KiBx1",
        title="64 × 16 KiB × 1, text not ASCII",
        connections=64,
        size=16 * KIB,
        flags=("--non-ascii",),
        bar=Bar(ratio=0.35),
    ),
    Cell(
        name="deflate-64x16KiBx1",
        title="64 × 16 KiB × 1, JSON, compressed",
        connections=64,
        size=16 * KIB,
        flags=("--json-text", "--deflate"),
        wishes=frozenset({Wish.DEFLATE}),
        bar=Bar(ratio=0.80),
        slow=True,
    ),
    Cell(
        name="tls-64x128Bx1",
        title="64 × 128 B × 1, TLS",
        connections=64,
        size=128,
        flags=("--binary",),
        wishes=frozenset({Wish.TLS}),
        slow=True,
    ),
    _fan_out(1000, 1, 1.00),
    _fan_out(1000, 16, 0.85),
    _fan_out(10_000, 1, 1.00),
    _fan_out(10_000, 16, 0.85),
    _published(1000),
    _published(10_000),
    _channels("session", 1000, 0, "1,000 × a session and the channel of all"),
    _channels("channels", 1000, 100, "1,000 × 100 channels of its own"),
    _idle("idle", "plain", None, Bar(absolute=300)),
    _idle("idle-deflate", "permessage-deflate without takeover", Wish.DEFLATE, Bar(absolute=300)),
    _idle("idle-tls", "TLS", Wish.TLS, Bar()),
    _scaling(1, "0"),
    _scaling(2, "0,1"),
)

SCALING_BAR = 1.7
DEFLATE_OUTPUT_BAR = 1.1


def choose(patterns: list[str]) -> list[Cell]:
    """The cells that match one of `patterns`, such as `idle*`; all, where there are none."""
    for pattern in patterns:
        if not any(fnmatch(cell.name, pattern) for cell in CELLS):
            raise SystemExit(f"no cell is named {pattern}: {', '.join(cell.name for cell in CELLS)}")
    return [cell for cell in CELLS if not patterns or any(fnmatch(cell.name, pattern) for pattern in patterns)]
