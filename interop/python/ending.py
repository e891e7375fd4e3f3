"""How the server ends."""

from websockets.exceptions import ConnectionClosed
from websockets_client import connect

from harness.checks import check, same


def run(server):
    with check("SIGTERM closes the connections with 1001 and ends the server with 0"):
        line = connect(server.ws("/echo"))
        server.terminate()
        try:
            raise AssertionError(f"{line.recv(timeout=20)!r} instead of a close")
        except ConnectionClosed as closed:
            same(closed.rcvd.code, 1001)
        same(server.wait(), 0)
