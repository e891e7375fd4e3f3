"""The bars that the server has to reach, and whether it does."""

from dataclasses import dataclass

from .cells import DEFLATE_OUTPUT_BAR, SCALING_BAR, Cell, Metric, Wish
from .results import Figure, Results
from .servers import OURS, REFERENCE

RUST_PEERS = ("fastwebsockets", "tokio-tungstenite", "tokio-websockets", "sockudo-ws", "yawc")


@dataclass(frozen=True)
class Verdict:
    """A bar, what was measured against it, and whether it was met."""

    what: str
    bar: str
    figure: str
    met: bool | None
    # The bar lies within the spread: another run may say otherwise.
    close: bool = False

    @property
    def word(self) -> str:
        word = "not measured" if self.met is None else "met" if self.met else "**missed**"
        return f"{word}; noise decides" if self.close else word


def verdicts(results: Results, cells: list[Cell]) -> list[Verdict]:
    """One line for each bar whose cell was measured."""
    lines = [_of_cell(results, cell) for cell in cells if cell.bar.ratio is not None or cell.bar.absolute is not None]
    by_name = {cell.name: cell for cell in cells}
    deflate = [cell for cell in cells if Wish.DEFLATE in cell.wishes and not cell.idle]
    lines += [_deflate_output(results, cell) for cell in deflate]
    lines += [_ahead_of(results, cells, peer) for peer in RUST_PEERS]
    if {"scaling-1", "scaling-2"} <= by_name.keys():
        lines.append(_scaling(results, by_name["scaling-1"], by_name["scaling-2"]))
    return lines


def ratio_with_spread(ratio: Figure) -> str:
    return f"{ratio.median:.2f} ({ratio.least:.2f} to {ratio.greatest:.2f})"


def _exactly(ratio: Figure) -> str:
    return f"{ratio.median:.3f} ({ratio.least:.3f} to {ratio.greatest:.3f})"


def _close(figure: Figure | None, bar: float) -> bool:
    return figure is not None and figure.least <= bar < figure.greatest


def _failed(results: Results, cell: Cell) -> str | None:
    failures = results.failures(cell, OURS)
    return f"failed {len(failures)} of {results.repetitions(cell, OURS)}: {failures[0]}" if failures else None


def _of_cell(results: Results, cell: Cell) -> Verdict:
    if cell.bar.absolute is not None:
        figure, bar = results.figure(cell, OURS), cell.bar.absolute
        shown, limit = (f"{figure.median:,.0f} bytes" if figure else "–"), f"≤ {bar:,.0f} bytes"
    else:
        assert cell.bar.ratio is not None, "only cells with a bar come here"
        figure, bar = results.ratio(cell, OURS), cell.bar.ratio
        shown, limit = (_exactly(figure) if figure else "–"), f"≤ {bar:.2f}"
    failed = _failed(results, cell)
    met = False if failed else figure.median <= bar if figure else None
    return Verdict(cell.full_title, limit, failed or shown, met, _close(figure, bar) and not failed)


def _deflate_output(results: Results, cell: Cell) -> Verdict:
    ours, theirs = results.wire_bytes(cell, OURS), results.wire_bytes(cell, REFERENCE)
    ratio = ours.median / theirs.median if ours and theirs else None
    return Verdict(
        f"{cell.full_title}: size of the output",
        f"≤ {DEFLATE_OUTPUT_BAR:.2f}",
        f"{ratio:.2f}" if ratio else "–",
        ratio <= DEFLATE_OUTPUT_BAR if ratio else None,
    )


def _ahead_of(results: Results, cells: list[Cell], peer: str) -> Verdict:
    shared = [cell for cell in cells if cell.metric is not Metric.RATE and results.took_part(cell, peer)]
    ratios = {cell: results.ratio(cell, OURS, to=peer) for cell in shared}
    # A cell that the peer fails is no cell that it wins; one that ours fails is lost.
    lost = [cell for cell in shared if (found := ratios[cell]) is not None and found.median >= 1]
    lost += [cell for cell in shared if results.failures(cell, OURS)]
    known = [found.median for found in ratios.values() if found]
    if not known:
        return Verdict(f"ahead of {peer} in every cell", "< 1.00 in each", "–", None)
    worst = f"{max(known):.2f} at worst"
    where = "; not in " + "; ".join(cell.full_title for cell in lost) if lost else ""
    return Verdict(f"ahead of {peer} in every cell", "< 1.00 in each", worst + where, not lost)


def _scaling(results: Results, one: Cell, two: Cell) -> Verdict:
    ratio = results.between(two, one, OURS)
    return Verdict(
        "two workers ÷ one, messages per second",
        f"≥ {SCALING_BAR}",
        _exactly(ratio) if ratio else "–",
        ratio.median >= SCALING_BAR if ratio else None,
        _close(ratio, SCALING_BAR),
    )
