"""Debian's libwebsockets-test-client against our server, and our client against its libwebsockets-test-server."""

import their_client
import their_server

from harness.checks import finish

their_client.run()
their_server.run()
finish()
