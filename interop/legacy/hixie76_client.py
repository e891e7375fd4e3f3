"""websocket-client 0.4.1, which speaks hixie-76, as a program: hixie76_client.py URL.

Each line of stdin is a JSON string to send; the end of stdin closes the line. Each line of stdout is a JSON object:
{"open": true} or {"refused": why}, then {"message": text} for each message, then {"closed": how}.
Runs under Python 2.7 with the library as published, and under Python 3 with the port.
"""

from __future__ import print_function

import json
import os
import select
import sys

import websocket


class Recorded(websocket.WebSocket):
    """Remembers the last two octets that came."""

    last = ""

    def _recv(self, size):
        octets = websocket.WebSocket._recv(self, size)
        self.last = (self.last + octets)[-2:]
        return octets


def main(url):
    line = Recorded()
    line.settimeout(20)
    try:
        line.connect(url)
    except websocket.WebSocketException as error:
        return say(refused=str(error))
    say(open=True)
    say(closed=converse(line))


def converse(line):
    """Sends and receives until one side closes, and answers how it ended."""
    unread = b""
    while True:
        if line.sock in select.select([line.sock, 0], [], [])[0]:
            try:
                message = line.recv()
            except websocket.ConnectionClosedException:
                return "dropped"
            if message is None:
                return "by the server"
            say(message=octets(message).decode("utf-8"))
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            line.close()
            return "answered with FF 00" if line.last == "\xff\x00" else "without an answer"
        lines = (unread + chunk).split(b"\n")
        unread = lines.pop()
        for text in lines:
            line.send(json.loads(text.decode("ascii")))


def octets(text):
    """What the library calls a string, as bytes."""
    return text if isinstance(text, bytes) else text.encode("latin-1")


def say(**what):
    print(json.dumps(what))
    sys.stdout.flush()


main(sys.argv[1])
