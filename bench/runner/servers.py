"""Who is measured, how each is started on a free port, and how it is ended."""

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from . import native
from .cells import Cell, Wish

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
TARGET = BENCH / "target"
TLS = TARGET / "tls"
PROGRAM = ROOT / "target/release/tieline"

# What chat writes in front of what a peer says.
CHAT_PREFIX = len("127.0.0.1:")


class Failed(Exception):
    """A server did not do what it was asked, and why."""


@dataclass(frozen=True)
class Server:
    name: str
    label: str
    # One line for the table of configurations.
    configuration: str
    source: str
    command: tuple[str, ...] = ()
    can: frozenset[Wish] = frozenset()
    # A variant that differs for these wishes alone, and there only in speed.
    only: frozenset[Wish] = frozenset()
    slow: bool = False
    ours: bool = False
    # Ours: another program for the fan-out, as a command with {port} in it.
    publisher: str | None = None

    def takes_part(self, cell: Cell) -> bool:
        """Whether this server is measured in `cell`."""
        if self.ours:
            return True
        if cell.ours_only or (self.slow and not cell.slow):
            return False
        if self.only and (cell.idle or not self.only <= cell.wishes):
            return False
        return cell.wishes - {Wish.LEAN} <= self.can

    def start_command(self, port: int, cell: Cell) -> list[str]:
        if self.ours:
            return self._own_command(port, cell)
        command = list(self.command)
        if self.name == "uwebsockets" and Wish.TLS in cell.wishes:
            command[0] += "-tls"
        wishes = [wish for wish in Wish if wish in cell.wishes & self.can]
        return [*command, str(port), *(f"tls={TLS}" if wish is Wish.TLS else wish.value for wish in wishes)]

    def _own_command(self, port: int, cell: Cell) -> list[str]:
        if cell.fan_out and self.publisher:
            return shlex.split(self.publisher.format(port=port))
        listen = ["--listen", f"127.0.0.1:{port}"]
        config = BENCH / "tieline.toml"
        if Wish.TLS in cell.wishes:
            # A listener's certificate stands in the file alone.
            config = TARGET / "tieline-tls.toml"
            listener = f'address = "127.0.0.1:{port}"\n'
            pair = f'certificate = "{TLS}/certificate.pem", key = "{TLS}/key.pem"'
            routes = (BENCH / "tieline.toml").read_text()
            config.write_text(f"[[listener]]\n{listener}tls = {{ {pair} }}\n\n{routes}")
            listen = []
        return [str(PROGRAM), "serve", "--config", str(config), "--workers", str(cell.workers), *listen]

    def path(self, cell: Cell) -> str:
        if self.ours and cell.channels is not None:
            return "/tieline"
        if self.ours and cell.fan_out and not self.publisher:
            return "/chat"
        return "/deflate" if self.ours and Wish.DEFLATE in cell.wishes else "/"

    def load(self, cell: Cell) -> list[str]:
        """What the load generator is told of the load itself."""
        if self.ours and cell.channels is not None:
            return native.flags(cell, TARGET)
        # So that all servers send the same number of bytes back.
        size = cell.size - CHAT_PREFIX if self.path(cell) == "/chat" else cell.size
        return [*cell.flags, *(() if cell.idle else ("--size", str(size), "--in-flight", str(cell.in_flight)))]


def _crate(name: str, configuration: str, *can: Wish) -> Server:
    return Server(
        name=name,
        label=name,
        configuration=configuration,
        source=f"peers/rust/src/bin/{name}.rs",
        command=(str(TARGET / "release" / name),),
        can=frozenset({Wish.LEAN, Wish.TLS, *can}),
    )


SERVERS: tuple[Server, ...] = (
    Server(
        name="tieline",
        label="**tieline**",
        configuration="the released program, `tieline serve --workers 1`; origins, limits and the log as by default",
        source="tieline.toml",
        ours=True,
    ),
    Server(
        name="uwebsockets",
        label="µWebSockets",
        configuration="`-O3 -flto -march=native`; SHARED_COMPRESSOR by zlib, `publish` of the app, TLS by OpenSSL",
        source="peers/uwebsockets/server.cpp",
        command=(str(TARGET / "cpp/uwebsockets"),),
        can=frozenset({Wish.DEFLATE, Wish.PUBLISH, Wish.TLS}),
    ),
    Server(
        name="uwebsockets-libdeflate",
        label="µWebSockets, libdeflate",
        configuration="the same, built with libdeflate, which it takes for messages up to 1 KiB",
        source="peers/uwebsockets/server.cpp",
        command=(str(TARGET / "cpp/uwebsockets-libdeflate"),),
        can=frozenset({Wish.DEFLATE}),
        only=frozenset({Wish.DEFLATE}),
    ),
    Server(
        name="bare",
        label="bare loop",
        configuration="no server: what the system costs. epoll, a read, unmasking, a write; no check, no bound, no API",
        source="peers/bare/server.cpp",
        command=(str(TARGET / "cpp/bare"),),
        can=frozenset({Wish.LEAN}),
    ),
    _crate("fastwebsockets", "straight on the socket, no hyper between; vectored writes, a write for each frame"),
    _crate("tokio-tungstenite", "buffers of 128 KiB, for idle connections 4 KiB; a flush for what arrived together"),
    _crate("tokio-websockets", "no frame is split, flush threshold 64 KiB; a flush for what arrived together"),
    _crate("sockudo-ws", "write buffer 64 KiB (idle: 1 KiB), no idle limit; a flush for what arrived together", Wish.DEFLATE),
    _crate("yawc", "128 KiB to read, 64 KiB to write (idle: 1 KiB each), a pool for deflate; a flush for what arrived together", Wish.DEFLATE),
    Server(
        name="ws",
        label="ws (Node)",
        configuration="bufferutil and utf-8-validate; perMessageDeflate without takeover where the cell has it",
        source="peers/node/server.cjs",
        command=("node", str(BENCH / "peers/node/server.cjs")),
        can=frozenset({Wish.DEFLATE, Wish.PUBLISH, Wish.TLS}),
        slow=True,
    ),
    Server(
        name="websockets",
        label="websockets (Python)",
        configuration="asyncio, its part in C, no pings of its own; `broadcast`",
        source="peers/python/server.py",
        command=(str(TARGET / "python/bin/python"), str(BENCH / "peers/python/server.py")),
        can=frozenset({Wish.DEFLATE, Wish.PUBLISH, Wish.TLS}),
        slow=True,
    ),
)

REFERENCE = "uwebsockets"
OURS = "tieline"


def choose(names: list[str], publisher: str | None) -> list[Server]:
    """The servers with these names; all, where there are none."""
    known = [server.name for server in SERVERS]
    for name in names:
        if name not in known:
            raise SystemExit(f"no server is named {name}: {', '.join(known)}")
    chosen = [server for server in SERVERS if not names or server.name in names]
    return [replace(server, publisher=publisher) if server.ours else server for server in chosen]


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    pid: int
    port: int
    log: Path


def running(server: Server, cell: Cell) -> AbstractContextManager[Running]:
    """Starts `server` for `cell` on cores of its own, and ends it by its own id, whatever happens."""
    return started(server.name, cell.server_cores, lambda port: server.start_command(port, cell))


@contextmanager
def started(name: str, cores: str, command_on: Callable[[int], list[str]]) -> Iterator[Running]:
    """Starts what `command_on` says for a free port, and ends it by its own id, whatever happens."""
    port = free_port()
    log = TARGET / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = ["taskset", "--cpu-list", cores, *command_on(port)]
    environment = dict(os.environ, NODE_PATH=str(TARGET / "node/node_modules"), PYTHONUNBUFFERED="1")
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment)
    try:
        _wait_until_listening(process, port, log)
        yield Running(pid=process.pid, port=port, log=log)
    finally:
        _end(process, port)


def free_port() -> int:
    """A port on which nobody listens.

    Bound without SO_REUSEPORT: µWebSockets listens with it, and a forgotten instance would share the load.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"ended with status {process.returncode} before it listened: {_last_line(log)}")
        if _listens(port):
            return
        time.sleep(0.01)
    raise Failed("does not listen after 20 s")


def _listens(port: int) -> bool:
    """Whether somebody listens, without connecting: a connection would be served and counted."""
    entry = f":{port:04X} 00000000:0000 0A"
    return entry in Path("/proc/net/tcp").read_text()


def _end(process: subprocess.Popen[bytes], port: int) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if _listens(port):
        raise SystemExit(f"somebody still listens on {port}: every figure after this would be shared with it")


def _last_line(log: Path) -> str:
    return last_line(log.read_text(errors="replace"))


def last_line(said: str) -> str:
    """What a program said last, without the place of this checkout."""
    lines = said.strip().splitlines()
    return lines[-1].replace(f"{ROOT}/", "")[:200] if lines else "it said nothing"
