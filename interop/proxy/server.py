"""websockets as a server behind the proxy: echoes, and closes when it is told to. Prints its port."""

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve


def talk(line):
    try:
        for message in line:
            if message == "bye":
                return line.close(4002, "as told")
            line.send(message)
    except ConnectionClosed:
        pass  # the client has its reasons


def choose(line, offered):
    return "second" if "second" in offered else None


with serve(talk, "127.0.0.1", 0, max_size=None, subprotocols=["second"], select_subprotocol=choose) as server:
    print(server.socket.getsockname()[1], flush=True)
    server.serve_forever()
