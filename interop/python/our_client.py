"""Our client against servers made with websockets and aiohttp."""

import asyncio
import threading
from contextlib import asynccontextmanager, contextmanager

from aiohttp import WSMsgType, web
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.sync.server import serve

from harness.checks import check
from harness.tieline import run_client


def run():
    with websockets_server(compression=None) as url:
        with check("our client against websockets, plain"):
            run_client("echo", url)
        with check("our client, when it insists on compression, turns away from websockets without"):
            expect_refusal("echo", url, "--deflate")
    with websockets_server(compression=None, subprotocols=["second", "third"]) as url:
        with check("our client against websockets, with a subprotocol"):
            run_client("echo", url, "--subprotocol", "second")
    for options in ({}, quiet(server=True), quiet(client=True), quiet(server=True, client=True), bits(9), bits(12)):
        with websockets_server(extensions=[ServerPerMessageDeflateFactory(**options)]) as url:
            with check(f"our client against websockets, permessage-deflate {options or 'by default'}"):
                run_client("echo", url, "--deflate")
    for compress in (False, True):
        with check(f"our client against aiohttp, {'permessage-deflate' if compress else 'plain'}"):
            asyncio.run(against_aiohttp(compress))


def expect_refusal(*arguments):
    try:
        run_client(*arguments)
    except AssertionError:
        return
    raise AssertionError("it stayed")


def quiet(server=False, client=False):
    return {"server_no_context_takeover": server, "client_no_context_takeover": client}


def bits(window):
    return {"server_max_window_bits": window, "client_max_window_bits": window}


@contextmanager
def websockets_server(**options):
    def echo(line):
        try:
            for message in line:
                line.send(message)
        except ConnectionClosed:
            pass  # the client has its reasons

    with serve(echo, "127.0.0.1", 0, max_size=None, **options) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"


async def against_aiohttp(compress):
    async with aiohttp_server(compress) as url:
        await asyncio.to_thread(run_client, "echo", url, *(["--deflate"] if compress else []))


@asynccontextmanager
async def aiohttp_server(compress):
    async def echo(request):
        line = web.WebSocketResponse(compress=compress, max_msg_size=0)
        await line.prepare(request)
        async for message in line:
            if message.type is WSMsgType.TEXT:
                await line.send_str(message.data)
            else:
                await line.send_bytes(message.data)
        return line

    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
