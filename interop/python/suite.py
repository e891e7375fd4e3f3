"""PyPI websockets, websocket-client and aiohttp, as clients of ours and as servers for our client."""

import demos
import ending
import libraries
import our_client
import websockets_client

from harness.checks import finish
from harness.tieline import Tieline

server = Tieline()
websockets_client.run(server)
demos.run(server)
libraries.run(server)
our_client.run()
ending.run(server)
finish()
