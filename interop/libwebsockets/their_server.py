"""Our client against libwebsockets-test-server.

Its lws-mirror-protocol sends every text to all, the sender included; what is longer than 4,096 bytes it cuts, and bytes
it sends on as text, so our client keeps to short texts there. It does not agree to compression.
"""

import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

from harness.checks import check, until
from harness.tieline import FOLDER, run_client

MIRROR = ("--subprotocol", "lws-mirror-protocol", "--text-only", "--max-bytes", "4000")
TLS = ("--ssl", f"--ssl-cert={FOLDER}/certificate.pem", f"--ssl-key={FOLDER}/key.pem")
LISTENING = "0A"  # a state in /proc/net/tcp


def run():
    with check("our client: texts come back from the test server's mirror"), test_server() as port:
        run_client("echo", f"ws://127.0.0.1:{port}/", *MIRROR)
    with check("our client: offers two subprotocols and takes the one the test server knows"), test_server() as port:
        run_client("echo", f"ws://127.0.0.1:{port}/", "--subprotocol", "superchat", *MIRROR)
    with check("our client: texts come back from the test server's mirror over TLS"), test_server(*TLS) as port:
        run_client("echo", f"wss://127.0.0.1:{port}/", "--insecure", *MIRROR)


@contextmanager
def test_server(*options):
    """Runs the test server on a port that the kernel chose, and gives it."""
    with open(FOLDER / "test-server.log", "w") as log:
        process = subprocess.Popen(["libwebsockets-test-server", "--port=0", *options], stdout=log, stderr=log)
    try:
        yield until("the test server listens", lambda: listening_port(process.pid))
    finally:
        process.terminate()
        process.wait(timeout=20)


def listening_port(pid):
    """The port that a process listens on; its log does not say."""
    links = [link.readlink().as_posix() for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    inodes = {found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, address, _, state, *_, inode = line.split()[:10]
            if state == LISTENING and inode in inodes:
                return int(address.rsplit(":", 1)[1], 16)
    return None
