"""The border between octets kept as strings (the cases) and as bytes (autobahn); port.py adds it to the suite."""

import binascii


def tobytes(octets):
    return octets.encode("latin-1") if isinstance(octets, str) else bytes(octets)


def u8(octets):
    return octets if isinstance(octets, str) else bytes(octets).decode("utf-8", "backslashreplace")


def text(octets):
    """For display: octets that are UTF-8."""
    try:
        return octets.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return octets


def tojson(value):
    if isinstance(value, (bytes, bytearray)):
        return u8(value)
    raise TypeError(type(value))


def b2a_hex(octets):
    return binascii.b2a_hex(tobytes(octets)).decode("ascii")


hexlify = b2a_hex


def a2b_hex(digits):
    return binascii.a2b_hex(digits).decode("latin-1")


class Octets:
    """Stands in front of autobahn's protocol classes and takes strings for octets."""

    def sendFrame(self, opcode, payload=b"", *args, **kwargs):
        return super().sendFrame(opcode, tobytes(payload), *args, **kwargs)

    def sendMessage(self, payload, *args, **kwargs):
        return super().sendMessage(tobytes(payload), *args, **kwargs)

    def sendMessageFrameData(self, payload, *args, **kwargs):
        return super().sendMessageFrameData(tobytes(payload), *args, **kwargs)

    def sendMessageFrame(self, payload, *args, **kwargs):
        return super().sendMessageFrame(tobytes(payload), *args, **kwargs)

    def sendPing(self, payload=None):
        return super().sendPing(None if payload is None else tobytes(payload))

    def sendPong(self, payload=None):
        return super().sendPong(None if payload is None else tobytes(payload))

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        return super().sendCloseFrame(code, None if reasonUtf8 is None else tobytes(reasonUtf8), isReply)
