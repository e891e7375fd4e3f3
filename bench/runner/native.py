"""What a connection says in the native language, `tieline.v1`: who it is, what it subscribes to, what it publishes."""

import json
from pathlib import Path
from typing import Any

from .cells import Cell

ALL = "bench:all"


def flags(cell: Cell, folder: Path) -> list[str]:
    """The flags of the load generator; what is published stands in a file in `folder`."""
    own = [f"bench:{{n}}-{at}" for at in range(cell.channels or 0)]
    said = [_call("connect"), *(_call("subscribe", channel=channel) for channel in own or [ALL])]
    first = [word for text in said for word in ("--first", text)]
    return ["--subprotocol", "tieline.v1", *first, *(["--idle"] if cell.idle else _fan_out(cell, folder))]


def _fan_out(cell: Cell, folder: Path) -> list[str]:
    # A notification: nobody waits for its answer. The data is so long as JSON.
    data = "x" * (cell.size - 2)
    text = json.dumps({"jsonrpc": "2.0", "method": "publish", "params": {"channel": ALL, "data": data}})
    file = folder / f"publish-{cell.size}.json"
    file.write_text(text)
    return ["--fan-out", "--text-file", str(file), "--in-flight", str(cell.in_flight)]


def _call(method: str, **params: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
