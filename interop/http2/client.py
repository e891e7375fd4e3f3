"""A line over HTTP/2, by h2 and wsproto: client.py echo|deflate|subprotocol ORIGIN; ends with 0 if all is as it should be."""

import socket
import ssl
import sys
from urllib.parse import urlsplit

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RemoteSettingsChanged, ResponseReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate

MESSAGES = ("grüße, 世界, 🦀", "", bytes(range(256)), "x" * (1 << 20))
SECONDS = 20


class Line:
    """One stream of one connection, and the frames on it."""

    def __init__(self, origin, path, headers=(), extension=None):
        url = urlsplit(origin)
        self._socket = _connect(url)
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._h2.initiate_connection()
        self._may_connect = self.has_ended = False
        self.response = None
        self._received = bytearray()
        while not self._may_connect:
            self._read()
        self._stream = self._h2.get_next_available_stream_id()
        pseudo = {"method": "CONNECT", "protocol": "websocket", "scheme": url.scheme, "authority": url.netloc}
        self._h2.send_headers(
            self._stream,
            [(f":{name}", value) for name, value in (pseudo | {"path": path}).items()]
            + [("sec-websocket-version", "13"), ("origin", origin), *headers],
        )
        while self.response is None:
            self._read()
        same(self.response[":status"], "200")
        if extension:
            extension.finalize(self.response["sec-websocket-extensions"])
        self._ws = Connection(ConnectionType.CLIENT, [extension] if extension else [])

    def send(self, event):
        data = self._ws.send(event)
        while data:
            room = min(self._h2.local_flow_control_window(self._stream), self._h2.max_outbound_frame_size)
            if room == 0:
                self._read()
                continue
            self._h2.send_data(self._stream, data[:room])
            data = data[room:]
            self._flush()

    def next(self):
        """The next whole message, or the next other event."""
        whole = None
        while True:
            for event in self._ws.events():
                if not isinstance(event, (TextMessage, BytesMessage)):
                    return event
                whole = event.data if whole is None else whole + event.data
                if event.message_finished:
                    return whole
            while not self._received:
                if self.has_ended:
                    raise EOFError("the stream has ended")
                self._read()
            data, self._received = bytes(self._received), bytearray()
            self._ws.receive_data(data)

    def wait_for_end(self):
        while not self.has_ended:
            self._read()

    def _read(self):
        self._flush()
        data = self._socket.recv(65536)
        if not data:
            raise EOFError("the connection has ended")
        for event in self._h2.receive_data(data):
            match event:
                case RemoteSettingsChanged():
                    setting = event.changed_settings.get(SettingCodes.ENABLE_CONNECT_PROTOCOL)
                    self._may_connect |= setting is not None and setting.new_value == 1
                case ResponseReceived():
                    self.response = dict(event.headers)
                case DataReceived():
                    self._received += event.data
                    self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case StreamEnded():
                    self.has_ended = True
                case StreamReset():
                    raise ConnectionResetError(f"the stream was reset with {event.error_code}")
        self._flush()

    def _flush(self):
        self._socket.sendall(self._h2.data_to_send())


def _connect(url):
    line = socket.create_connection((url.hostname, url.port), timeout=SECONDS)
    if url.scheme != "https":
        return line
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    secured = context.wrap_socket(line, server_hostname=url.hostname)
    same(secured.selected_alpn_protocol(), "h2")
    return secured


def echo(origin, headers=(), extension=None):
    line = Line(origin, "/echo", headers, extension)
    for message in MESSAGES:
        line.send(TextMessage(message) if isinstance(message, str) else BytesMessage(message))
        same(line.next(), message)
    line.send(TextMessage("three ", message_finished=False))
    line.send(Ping(b"between"))
    line.send(TextMessage("fragments"))
    same(line.next(), Pong(b"between"))
    same(line.next(), "three fragments")
    line.send(CloseConnection(4000, "done"))
    same(line.next().code, 4000)
    line.wait_for_end()
    return line.response


def deflate(origin):
    extension = PerMessageDeflate()
    echo(origin, [("sec-websocket-extensions", f"{extension.name}; {extension.offer()}")], extension)
    same(extension.enabled(), True)


def subprotocol(origin):
    headers = [("sec-websocket-protocol", "unheard-of"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")]
    response = echo(origin, headers)
    same(response.get("sec-websocket-protocol"), None)
    same(response.get("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")


def same(got, expected):
    if got != expected:
        raise AssertionError(f"{got!r:.100} instead of {expected!r:.100}")


what, origin = sys.argv[1:]
{"echo": echo, "deflate": deflate, "subprotocol": subprotocol}[what](origin)
