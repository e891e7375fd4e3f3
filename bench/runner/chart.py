"""Draws the ratios as an SVG: bars from 1 to the left are better than µWebSockets, to the right worse."""

import math
from xml.sax.saxutils import escape

from .cells import Cell, Metric
from .results import Results
from .servers import REFERENCE, Server

WIDTH, NAMES, ROW, GAP, TOP = 860, 200, 18, 34, 84
LEAST, GREATEST = 0.1, 100.0

# Colours are told apart in grey, too, and both schemes have their own.
STYLE = """
  svg { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .back { fill: #ffffff; } .title { font-size: 17px; font-weight: 600; } .cell { font-weight: 600; }
  .quiet { fill: #59636e; } .bar { fill: #9aa4af; } .ours { fill: #1a7f64; }
  .grid { stroke: #d8dee4; } .one { stroke: #59636e; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    svg { fill: #e6edf3; } .back { fill: #0d1117; } .quiet { fill: #9198a1; }
    .bar { fill: #6e7681; } .ours { fill: #3fb98f; } .grid { stroke: #30363d; } .one { stroke: #9198a1; }
  }"""

SHOWN = (
    "echo-64x128Bx1",
    "echo-10000x128Bx1",
    "echo-64x128Bx16",
    "echo-64x16KiBx16",
    "text-64x16KiBx1",
    "fan-out-1000x16",
    "deflate-64x16KiBx1",
    "idle",
)


def chart(results: Results, cells: list[Cell], servers: list[Server]) -> str:
    """The picture of the cells that say most."""
    lines: list[str] = []
    y = TOP
    for cell in (cell for cell in cells if cell.name in SHOWN):
        ratios = [(server, results.ratio(cell, server.name)) for server in servers if server.name != REFERENCE]
        found = sorted(((ratio.median, server) for server, ratio in ratios if ratio), key=lambda pair: pair[0])
        if not found:
            continue
        what = "memory of an idle connection" if cell.metric is Metric.MEMORY else cell.title
        lines.append(f'<text class="cell" x="16" y="{y + 6}">{escape(what)}</text>')
        y += 16
        for value, server in found:
            lines += _bar(y, value, server)
            y += ROW
        y += GAP - 16
    height = y + 4
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-label="Cost of a message on each server relative to µWebSockets">',
        f"<style>{STYLE}\n</style>",
        f'<rect class="back" width="{WIDTH}" height="{height}" rx="6"/>',
        '<text class="title" x="16" y="28">CPU for a message, relative to µWebSockets</text>',
        '<text class="quiet" x="16" y="48">connections × payload × messages in flight; shorter to the left is better; '
        "logarithmic</text>",
        *_grid(height),
    ]
    return "\n".join([*head, *lines, "</svg>"]) + "\n"


def _grid(height: int) -> list[str]:
    lines = []
    for value, label in ((0.1, "0.1×"), (0.3, "0.3×"), (1, "1×"), (3, "3×"), (10, "10×"), (30, "30×"), (100, "100×")):
        x, kind = _x(value), "one" if value == 1 else "grid"
        lines.append(f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 12}" y2="{height - 14}"/>')
        lines.append(f'<text class="quiet" x="{x:.1f}" y="{TOP - 18}" text-anchor="middle">{label}</text>')
    return lines


def _bar(y: int, value: float, server: Server) -> list[str]:
    left, right = sorted((_x(1), _x(value)))
    kind = "ours" if server.ours else "bar"
    label = server.label.strip("*")
    name = f'<text x="{NAMES - 10}" y="{y + 12}" text-anchor="end">{escape(label)}</text>'
    bar = f'<rect class="{kind}" x="{left:.1f}" y="{y + 1}" width="{max(right - left, 1):.1f}" height="{ROW - 5}" rx="2"/>'
    shown = f"{value:.2f}" if value < 10 else f"{value:,.0f}"
    at = right + 5 if value >= 1 else max(_x(1) + 5, right + 5)
    return [name, bar, f'<text class="quiet" x="{at:.1f}" y="{y + 12}">{shown}</text>']


def _x(value: float) -> float:
    """Where a ratio stands; what lies beyond the scale stands at its end."""
    share = math.log(min(max(value, LEAST), GREATEST) / LEAST) / math.log(GREATEST / LEAST)
    return NAMES + share * (WIDTH - NAMES - 60)
