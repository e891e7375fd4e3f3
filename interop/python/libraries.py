"""websocket-client and aiohttp as clients of /echo."""

import asyncio

import aiohttp
import websocket

from harness.checks import check, same

MESSAGES = ("grüße, 世界, 🦀", "", "x" * (1 << 20))


def run(server):
    with check("websocket-client: text, binary and a ping come back, and the close is answered with 1000"):
        websocket_client(server.ws("/echo"))
    for window in (0, 15):
        with check(f"aiohttp: text and binary come back {'compressed' if window else 'plain'}, and the close is clean"):
            asyncio.run(aiohttp_client(server.ws("/echo"), window))


def websocket_client(url):
    line = websocket.create_connection(url, timeout=20)
    for message in MESSAGES:
        line.send(message)
        same(line.recv(), message)
    line.send_binary(bytes(range(256)))
    same(line.recv(), bytes(range(256)))
    line.ping("are you there?")
    same(line.recv_data_frame(control_frame=True)[1].data, b"are you there?")
    line.send_close()
    opcode, payload = line.recv_data(control_frame=True)
    same((opcode, payload[:2]), (websocket.ABNF.OPCODE_CLOSE, (1000).to_bytes(2, "big")))


async def aiohttp_client(url, window):
    async with aiohttp.ClientSession() as session, session.ws_connect(url, compress=window, max_msg_size=0) as line:
        same(line.compress, window)
        for message in MESSAGES:
            await line.send_str(message)
            same(await line.receive_str(timeout=20), message)
        await line.send_bytes(bytes(range(256)))
        same(await line.receive_bytes(timeout=20), bytes(range(256)))
        await line.close()
        same(line.close_code, 1000)
