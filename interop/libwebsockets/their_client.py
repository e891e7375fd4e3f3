"""libwebsockets-test-client against our server.

It draws circles: a text for each, which a server of its lws-mirror-protocol sends to all, and an echo sends back. What
it sent and what came back is in its log. It can not be made to offer no compression, to send bytes, or to say goodbye.
Once compression is agreed, version 4.1.6 falls into an endless loop over the first message that comes without: RFC 7692
§6 allows those, so the server here compresses even the shortest. Over TLS it still names an origin of plain HTTP. Its
option for version 8 changes the handshake only; the frames it can not write then.
"""

import re
import subprocess
from contextlib import contextmanager

from harness.checks import check, same
from harness.tieline import FOLDER, ROOT, Tieline

CONFIG = """
[[listener]]
address = "127.0.0.1:0"

[[listener]]
address = "127.0.0.1:0"
tls = { certificate = "certificate.pem", key = "key.pem" }

[[route]]
path = "/"
page = { kind = "console" }

[[route]]
path = "/plain"
service = { kind = "echo" }
subprotocols = ["lws-mirror-protocol"]

[[route]]
path = "/deflate"
service = { kind = "echo" }
subprotocols = ["lws-mirror-protocol"]
compression = { min_bytes = 0 }
origins = ["same-origin", "http://127.0.0.1"]
"""

NOTICES, DEBUGGING, EXTENSIONS = 7, 63, 135  # the bits of its option -d
ENOUGH = 2000  # circles
SENT = re.compile(r"TX: eb_in length (\d+)|defl ext ret 0, ext in remaining (\d+)")
CAME_BACK = re.compile(r"post inflate ebuf in len \d+ / out len (\d+)")


def run():
    subprocess.run([ROOT / "interop/harness/certificate", FOLDER], check=True)
    server = Tieline(config=CONFIG, listeners=2)
    plain, secure = ("ws" + origin.removeprefix("http") for origin in server.origins)
    draws("plain", f"{plain}/plain")
    draws("with permessage-deflate", f"{plain}/deflate")
    draws("with permessage-deflate, over TLS", f"{secure}/deflate")
    random_octets(f"{plain}/plain")
    pages(server)
    with check("test client: a path that is no route gets 404"):
        with client("-j", f"{plain}/nowhere") as lines:
            wait_for(lines, "bad HTTP response '404'|HTTP response.*404")
    with check("SIGTERM ends the server with 0 after all that"):
        same(server.stop(), 0)


def draws(how, url):
    with check(f"test client: {ENOUGH} texts come back as long as they went, in their order: {how}"):
        sent, back = [], []
        with client("-j", url, log=EXTENSIONS) as lines:
            for line in lines:
                if found := SENT.search(line):
                    sent.append(found[1] or found[2])
                elif found := CAME_BACK.search(line):
                    back.append(found[1])
                if len(back) == ENOUGH:
                    break
        same(back, sent[: len(back)])
        same(len(back), ENOUGH)


def random_octets(url):
    with check("test client: its echo test, which sends random octets as text, is failed with 1007"):
        with client("-e", url, log=DEBUGGING) as lines:
            wait_for(lines, "client sees server close")
            wait_for(lines, f"0000: {1007 >> 8:02X} {1007 & 0xFF:02X}")


def pages(server):
    for origin in server.origins:
        with check(f"test client: fetches the page over {origin.split(':')[0]}"):
            with client(origin + "/", log=NOTICES) as lines:
                wait_for(lines, "lws_http_client_http_response 200")


@contextmanager
def client(*options, log=NOTICES):
    """Runs the test client, which takes any certificate, and gives the lines of its log."""
    command = ["libwebsockets-test-client", "-s", "-d", str(log), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    try:
        yield process.stderr
    finally:
        process.kill()  # it knows no goodbye
        process.wait(timeout=20)


def wait_for(lines, pattern):
    for line in lines:
        if re.search(pattern, line):
            return
    raise AssertionError(f"its log never says {pattern}")
