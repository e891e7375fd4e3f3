"""The counter, the chat and the room, letter for letter as their pages expect them."""

import json

from websockets.exceptions import ConnectionClosed
from websockets_client import connect

from harness.checks import check, same


def run(server):
    counter(server.ws("/counter"))
    chat(server.ws("/chat"))
    room(server.ws("/room"))


def hears(line, *expected):
    for text in expected:
        same(line.recv(timeout=10), text)


def all_hear(lines, *expected):
    for line in lines:
        hears(line, *expected)


def counter(url):
    def state(value):
        return f'{{"type":"state","value":{value}}}'

    def users(count):
        return f'{{"type":"users","count":{count}}}'

    with connect(url) as first, connect(url) as second:
        both = (first, second)
        with check("counter: who joins hears the users, then the state"):
            hears(first, users(1), state(0))
        with check("counter: all hear that another joined, and only that one the state"):
            hears(second, users(2), state(0))
            hears(first, users(2))
        with check("counter: plus and minus reach all"):
            for line, action, value in (
                (first, "plus", 1),
                (second, "plus", 2),
                (first, "minus", 1),
                (first, "minus", 0),
            ):
                line.send(json.dumps({"action": action}))
                all_hear(both, state(value))
        with check("counter: an unknown action, and text that is no JSON, change nothing and are told to nobody"):
            for text in ('{"action":"times"}', "plus", "[]", '{"action":1}', ""):
                first.send(text)
            first.send('{"action":"plus"}')
            all_hear(both, state(1))
        with check("counter: those who stay hear that one left"):
            second.close()
            hears(first, users(1))
    with check("counter: the value outlives the connections"):
        with connect(url) as late:
            hears(late, users(1), state(1))


def chat(url):
    name = "127.0.0.1"
    with connect(url) as first, connect(url) as second:
        both = (first, second)
        with check("chat: all hear each welcome, the newcomer included"):
            hears(first, f"Welcome, {name} !", f"Welcome, {name} !")
            hears(second, f"Welcome, {name} !")
        with check("chat: what one says reaches all, with the name before it"):
            first.send("hello: 世界 <b>")
            all_hear(both, f"{name}:hello: 世界 <b>")
        with check("chat: quit tells all, the leaver included, and closes the line"):
            second.send("quit")
            all_hear(both, f"{name} Logout")
            try:
                raise AssertionError(f"{second.recv(timeout=10)!r} instead of a close")
            except ConnectionClosed as closed:
                same(closed.rcvd.code, 1000)
        with check("chat: who stays can go on"):
            first.send("alone")
            hears(first, f"{name}:alone")


def room(url):
    with connect(url) as first, connect(url) as second:
        uids = [line.recv(timeout=10) for line in (first, second)]
        with check("room: the first message is a uid, unique and not empty"):
            same(all(uids) and uids[0] != uids[1], True)
        with check("room: all get the same text to show, with what the user wrote escaped"):
            first.send(json.dumps({"uid": uids[0], "message": "<script>alert('&')</script> 世界"}))
            shown = first.recv(timeout=10)
            hears(second, shown)
            same("<script" in shown, False)
            same("&lt;script" in shown and "世界" in shown, True)
        with check("room: who closed hears no more, who stays does"):
            first.close()
            second.send(json.dumps({"uid": uids[1], "message": "alone"}))
            same("alone" in second.recv(timeout=10), True)
