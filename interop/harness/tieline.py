"""Starts the programs under test, and ends them."""

import atexit
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITE = Path(sys.argv[0]).resolve().parent.name
FOLDER = ROOT / "target" / "interop" / SUITE  # where this suite keeps what it installs and writes
FOLDER.mkdir(parents=True, exist_ok=True)

PROGRAM = ROOT / os.environ.get("TIELINE", "target/debug/tieline")
CLIENT = ROOT / os.environ.get("INTEROP_CLIENT", "target/debug/interop-client")

signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended, too


class Tieline:
    """A running `tieline serve`: on a free port with the given flags, or as a configuration (TOML text) says."""

    def __init__(self, *flags, config=None, listeners=1):
        where = ["--listen", "127.0.0.1:0"] if config is None else ["--config", write("tieline.toml", config)]
        with open(LOG, "ab") as log:
            command = [PROGRAM, "serve", *where, *flags]
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        atexit.register(self._process.kill)
        self._listening = queue.Queue()
        threading.Thread(target=self._read_lines, daemon=True).start()
        self.origins = [self._next_origin() for _ in range(listeners)]

    def _read_lines(self):
        for line in self._process.stdout:
            if found := re.search(r"listening on (https?://\S+)", line):
                self._listening.put(found[1].rstrip("/"))
        self._listening.put(None)

    def _next_origin(self):
        origin = self._listening.get(timeout=30)
        if origin is None:
            raise RuntimeError(f"tieline serve ended with {self._process.wait()}; its log is {LOG}")
        return origin

    @property
    def port(self):
        return int(self.origins[0].rsplit(":", 1)[1])

    @property
    def pid(self):
        return self._process.pid

    def http(self, path="/"):
        return self.origins[0] + path

    def ws(self, path="/"):
        return "ws" + self.origins[0].removeprefix("http") + path

    def terminate(self):
        """Sends SIGTERM and does not wait; a second one would end the server at once."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self):
        """Waits for the end, and answers the exit code."""
        return self._process.wait(timeout=30)

    def stop(self):
        """Sends SIGTERM, and answers the exit code."""
        self.terminate()
        return self.wait()


def run_client(*arguments):
    """Runs the client under test; fails, with what it printed, unless it ends with 0."""
    done = subprocess.run([CLIENT, *arguments], capture_output=True, text=True, timeout=50)
    if done.returncode != 0:
        raise AssertionError(f"interop-client ended with {done.returncode}: {done.stdout}{done.stderr}".strip())
    return done.stdout


def write(name, text):
    """Writes a file into this suite's folder, and answers its path."""
    path = FOLDER / name
    path.write_text(text)
    return path


LOG = write("tieline.log", "")
