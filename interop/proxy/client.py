"""websockets as a client through the proxy: client.py URL; ends with 0 if all is as it should be."""

import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

MESSAGES = ("grüße, 世界, 🦀", "", bytes(range(256)), "x" * (1 << 20))


def same(got, expected):
    if got != expected:
        raise AssertionError(f"{got!r:.100} instead of {expected!r:.100}")


for compression in (None, "deflate"):
    with connect(sys.argv[1], compression=compression, subprotocols=["first", "second"], max_size=None) as line:
        same(line.subprotocol, "second")
        same("Sec-WebSocket-Extensions" in line.response.headers, compression is not None)
        for message in MESSAGES:
            line.send(message)
            same(line.recv(timeout=20), message)
        line.send(iter(("three ", "frag", "ments")))
        same(line.recv(timeout=20), "three fragments")
        line.ping("between").wait(20)
        line.close(4321, "done")
        try:
            line.recv(timeout=20)
        except ConnectionClosed as closed:
            same((closed.rcvd.code, closed.rcvd_then_sent), (4321, False))
