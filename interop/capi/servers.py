"""Echo servers that can be killed, and started again where they were."""

import atexit
import os
import signal
import subprocess
import sys
from pathlib import Path

from harness.tieline import Tieline

CONFIG = """
[[listener]]
address = "127.0.0.1:{port}"

[[route]]
path = "/echo"
service = {{ kind = "echo" }}
"""


class OurServer:
    """`tieline serve` with an echo."""

    def __init__(self):
        self._port = 0
        self.start()

    def __str__(self):
        return "tieline serve"

    @property
    def url(self):
        return f"ws://127.0.0.1:{self._port}/echo"

    def start(self):
        self._server = Tieline(config=CONFIG.format(port=self._port))
        self._port = self._server.port

    def kill(self):
        os.kill(self._server.pid, signal.SIGKILL)
        self._server.wait()


class PythonServer:
    """An echo of Python websockets, in a process of its own."""

    def __init__(self):
        self._port = 0
        self.start()

    def __str__(self):
        return "Python websockets"

    @property
    def url(self):
        return f"ws://127.0.0.1:{self._port}/"

    def start(self):
        command = [sys.executable, Path(__file__).with_name("websockets_server.py"), str(self._port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        atexit.register(self._process.kill)
        self._port = int(self._process.stdout.readline())

    def kill(self):
        self._process.kill()
        self._process.wait(timeout=30)
        self._process.stdout.close()
