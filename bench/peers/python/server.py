"""websockets, the asyncio server of Python: SERVER PORT [deflate] [publish] [tls=FOLDER].

Its part in C does the masking and the check of UTF-8 where it was installed. No pings of its own: no timer for a
connection.
"""

import asyncio
import ssl
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

DEFLATE = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)


async def echo(line: ServerConnection) -> None:
    try:
        async for message in line:
            await line.send(message)
    except ConnectionClosed:
        pass  # How a conversation ended is the load generator's to judge.


def publish(lines: set[ServerConnection]):
    async def tell(line: ServerConnection) -> None:
        lines.add(line)
        try:
            async for message in line:
                broadcast(lines, message)
        except ConnectionClosed:
            pass
        finally:
            lines.discard(line)

    return tell


async def main(port: int, wishes: list[str]) -> None:
    tls = None
    for wish in wishes:
        if wish.startswith("tls="):
            folder = wish.removeprefix("tls=")
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")
    async with serve(
        publish(set()) if "publish" in wishes else echo,
        "127.0.0.1",
        port,
        compression=None,
        extensions=[DEFLATE] if "deflate" in wishes else None,
        max_size=16 * 1024 * 1024,
        ping_interval=None,
        ssl=tls,
        backlog=4096,
    ) as server:
        print(f"listening on {port}", flush=True)
        await server.serve_forever()


asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
