"""PyPI websockets as a client of /echo: every kind of message, compression, pings, closes and refusals."""

from itertools import product

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import connect as open_connection

from harness.checks import check, same

MIB = 1 << 20
TEXT = "grüße, 世界, 🦀"


def run(server):
    url = server.ws("/echo")
    echoes(url)
    fragments(url)
    pings(url)
    compression(url)
    closes(url)
    limits(url)
    origins(server)


def connect(url, **options):
    return open_connection(url, **{"compression": None, "max_size": None, "proxy": None} | options)


def expect_echo(line, message):
    line.send(message)
    same(line.recv(timeout=30), message)


def echoes(url):
    messages = {"a text message": TEXT, "an empty one": "", "a binary one": bytes(range(256)), "1 MiB": bytes(MIB)}
    with connect(url) as line:
        for name, message in messages.items():
            with check(f"websockets: {name} comes back"):
                expect_echo(line, message)


def fragments(url):
    with connect(url) as line:
        with check("websockets: a text in fragments, one for each character, comes back whole"):
            line.send(iter(TEXT))
            same(line.recv(timeout=10), TEXT)
        with check("websockets: a binary message in 1,000 fragments comes back whole"):
            line.send(bytes([number % 251]) for number in range(1000))
            same(line.recv(timeout=10), bytes(number % 251 for number in range(1000)))
        with check("websockets: a ping between two fragments is answered before the message is"):
            line.send(fragments_around(lambda: same(line.ping(b"between").wait(timeout=10), True)))
            same(line.recv(timeout=10), "beforeafter")


def fragments_around(ping):
    yield "before"
    ping()
    yield "after"


def pings(url):
    with connect(url) as line:
        with check("websockets: a ping of 0 and one of 125 bytes come back as pongs"):
            for payload in (b"", bytes(125)):
                same(line.ping(payload).wait(timeout=10), True)
        with check("websockets: a pong nobody asked for is let be"):
            line.pong(b"unasked")
            expect_echo(line, "still here")


def compression(url):
    takeover = (False, True)
    for ours, theirs, quiet_server, quiet_client in product((None, 9, 15), (None, 9, 15), takeover, takeover):
        offer = ClientPerMessageDeflateFactory(
            server_no_context_takeover=quiet_server,
            client_no_context_takeover=quiet_client,
            server_max_window_bits=theirs,
            client_max_window_bits=ours or True,
        )
        with check(f"websockets: permessage-deflate is agreed and echoes: {describe(offer)}"):
            with connect(url, extensions=[offer]) as line:
                same(len(line.protocol.extensions), 1)
                for message in (TEXT * 1000, TEXT * 1000, "", bytes(MIB)):
                    expect_echo(line, message)
                line.send(iter([TEXT, TEXT]))
                same(line.recv(timeout=10), TEXT * 2)
    with check("websockets: an offer that needs 8 window bits of the server is declined, and the line is plain"):
        with connect(url, extensions=[ClientPerMessageDeflateFactory(server_max_window_bits=8)]) as line:
            same(line.protocol.extensions, [])
            expect_echo(line, TEXT)
    with check("websockets: without an offer nothing is compressed"):
        with connect(url) as line:
            same(line.protocol.extensions, [])


def describe(offer):
    return ", ".join(name if value is None else f"{name}={value}" for name, value in offer.get_request_params())


def closes(url):
    for code, reason in ((1000, ""), (1001, "going"), (3000, "libraries' own"), (4999, TEXT)):
        with check(f"websockets: a close with {code} is answered with {code}"):
            line = connect(url)
            line.close(code, reason)
            same(line.protocol.close_rcvd.code, code)
            same(line.protocol.close_rcvd_then_sent, False)
    with check("websockets: bytes that are no UTF-8 in a text message fail with 1007"):
        expect_failure(url, 1007, lambda line: line.send(b"caf\xe9", text=True))


def expect_failure(url, code, offend, **options):
    with connect(url) as other, connect(url, **options) as line:
        offend(line)
        try:
            raise AssertionError(f"{line.recv(timeout=30)!r:.40} instead of a close")
        except ConnectionClosed as closed:
            same(closed.rcvd.code if closed.rcvd else None, code)
        expect_echo(other, "untouched")


def limits(url):
    with check("websockets: a message of 16 MiB comes back"):
        with connect(url) as line:
            expect_echo(line, bytes(16 * MIB))
    with check("websockets: one byte more fails with 1009, and the other connections live"):
        expect_failure(url, 1009, lambda line: send_to_the_refusal(line, bytes(16 * MIB + 1)))
    with check("websockets: so does one byte more after inflation, from a few bytes on the wire"):
        expect_failure(url, 1009, lambda line: send_to_the_refusal(line, bytes(16 * MIB + 1)), compression="deflate")


def send_to_the_refusal(line, message):
    """Sends; the other end may refuse before everything is sent."""
    try:
        line.send(message)
    except ConnectionClosed:
        pass


def origins(server):
    url = server.ws("/echo")
    with check("websockets: an origin that is not ours gets 403"):
        expect_status(url, 403, origin="https://elsewhere.example")
    with check("websockets: the origin null gets 403"):
        expect_status(url, 403, origin="null")
    with check("websockets: the same origin is let in"):
        with connect(url, origin=server.http("")) as line:
            expect_echo(line, "same")
    with check("websockets: a path that is no route gets 404"):
        expect_status(server.ws("/nowhere"), 404)


def expect_status(url, status, **options):
    try:
        connect(url, **options).close()
    except InvalidStatus as refusal:
        same(refusal.response.status_code, status)
    else:
        raise AssertionError(f"let in, instead of {status}")
