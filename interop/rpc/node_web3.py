"""web3.py behind the server, over WebSocket and IPC: it follows a node that is lost and comes back."""

import asyncio
import json
import socket
import subprocess
import urllib.request

from web3 import AsyncIPCProvider, AsyncWeb3, WebSocketProvider

from harness.checks import check, finish, same, until
from harness.tieline import FOLDER, Tieline

ANVIL = FOLDER / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
STATE = FOLDER / "anvil.json"
IPC = FOLDER / "tieline.ipc"
DEADLINE = 20  # seconds for what must come


class Anvil:
    """A node that mines when it is told to, and keeps its chain when it is stopped and started again."""

    def __init__(self):
        STATE.unlink(missing_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self):
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        self._process = subprocess.Popen([ANVIL, *where, "--silent", "--state", STATE])
        until("anvil answers", self._answers)

    def _answers(self):
        try:
            return self.call("eth_chainId")
        except OSError:
            return None

    def call(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return json.load(answer)["result"]

    def mine(self, blocks):
        for _ in range(blocks):
            self.call("evm_mine")

    def number(self):
        return int(self.call("eth_blockNumber"), 16)

    def stop(self):
        self._process.terminate()
        self._process.wait(DEADLINE)


async def follow(anvil, provider):
    """Follows blocks across the node's end, and answers what it heard of and what it should have."""
    async with AsyncWeb3(provider) as web3:
        same(await web3.eth.chain_id, 31337)
        subscription = await web3.eth.subscribe("newHeads")
        first = anvil.number() + 1
        heads = web3.socket.process_subscriptions()
        numbers = []

        async def hear(count):
            for _ in range(count):
                message = await asyncio.wait_for(anext(heads), DEADLINE)
                same(message["subscription"], subscription)
                numbers.append(message["result"]["number"])

        await asyncio.to_thread(anvil.mine, 3)
        await hear(3)
        await asyncio.to_thread(anvil.stop)
        await asyncio.to_thread(anvil.start)
        await asyncio.to_thread(anvil.mine, 3)
        await hear(3)
        same(await web3.eth.block_number, first + 5)
        # On another chain there is a gap, of which web3.py does not know how to be told.
        await asyncio.to_thread(anvil.stop)
        STATE.unlink()
        await asyncio.to_thread(anvil.start)
        same(await web3.eth.block_number, 0)
        await asyncio.to_thread(anvil.mine, 2)
        await hear(2)
        same(await web3.eth.unsubscribe(subscription), True)
    same(numbers, [*range(first, first + 6), 1, 2])


anvil = Anvil()
server = Tieline(
    config=f"""
[[listener]]
address = "127.0.0.1:0"

[[listener]]
ipc = "{IPC}"
route = "/"

[[route]]
path = "/"
service = {{ kind = "rpc", upstream = {{ url = "ws://127.0.0.1:{anvil.port}", longest_wait = "1s" }} }}
"""
)
with check("web3.py over WebSocket follows newHeads while the node is stopped and comes back, and unsubscribes"):
    asyncio.run(follow(anvil, WebSocketProvider(server.ws())))
with check("web3.py over IPC follows newHeads while the node is stopped and comes back, and unsubscribes"):
    asyncio.run(follow(anvil, AsyncIPCProvider(str(IPC))))
anvil.stop()
same(server.stop(), 0)
finish()
