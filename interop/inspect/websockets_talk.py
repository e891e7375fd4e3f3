"""PyPI websockets, as one end of a line: websockets_talk.py client URL, or server.

The client says what there is to say, and closes. The server prints its port, sends every message back, and ends with
its first line.
"""

import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve

TEXT = "grüße, 世界, 🦀. " * 40


def client(url):
    with connect(url, max_size=2**21) as line:
        for message in ("Hello", "Hello", "", TEXT, b"", bytes(range(256)), "y" * 70_000, b"\x00" * 126):
            line.send(message)
            assert line.recv(timeout=10) == message
        line.send(["a message ", "in three ", "fragments"])
        assert line.recv(timeout=10) == "a message in three fragments"
        line.ping(b"are you there?").wait(timeout=10)
        line.close(4001, "all is said")


def server():
    def echo(line):
        line.ping(b"hello, client").wait(timeout=10)
        try:
            for message in line:
                line.send(message)
        except ConnectionClosed:
            pass  # with another code than 1000
        listening.shutdown()

    listening = serve(echo, "127.0.0.1", 0, max_size=2**21)
    print(listening.socket.getsockname()[1], flush=True)
    listening.serve_forever()


if sys.argv[1] == "client":
    client(sys.argv[2])
else:
    server()
