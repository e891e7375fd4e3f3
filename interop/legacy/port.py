"""Ports websocket-client 0.4.1 from Python 2 to Python 3: stdin to stdout.

The octets it keeps in strings stay strings, one character (U+0000 to U+00FF) for each octet, and become bytes where
they meet the socket or MD5. What it says on the wire is untouched.
"""

import sys

EDITS = [
    ("from urlparse import urlparse", "from urllib.parse import urlparse"),
    ("import md5\n", "import hashlib\n"),
    ("range(0x21, 0x2f + 1) + range(0x3a, 0x7e + 1)", "[*range(0x21, 0x2f + 1), *range(0x3a, 0x7e + 1)]"),
    ("_MAX_INTEGER / spaces_n", "_MAX_INTEGER // spaces_n"),
    ("sock.send(header_str)", 'sock.send(header_str.encode("latin-1"))'),
    ("challenge += key3", 'challenge += key3.encode("latin-1")'),
    ("md5.md5(challenge).digest()", 'hashlib.md5(challenge).digest().decode("latin-1")'),
    ("HEADERS_TO_CHECK.iteritems()", "HEADERS_TO_CHECK.items()"),
    ("isinstance(payload, unicode)", "isinstance(payload, str)"),
    ('payload.encode("utf-8")', 'payload.encode("utf-8").decode("latin-1")'),
    ("self.io_sock.send(data)", 'self.io_sock.send(data.encode("latin-1"))'),
    (r'self.io_sock.send("\xff\x00")', r'self.io_sock.send(b"\xff\x00")'),
    ("self.io_sock.recv(bufsize)", 'self.io_sock.recv(bufsize).decode("latin-1")'),
]

source = sys.stdin.read()
source = source[: source.index('if __name__ == "__main__"')].replace("except Exception, e:", "except Exception as e:")
for old, new in EDITS:
    if source.count(old) != 1:
        sys.exit(f"websocket.py is not the file this was written for: {old!r}")
    source = source.replace(old, new)
sys.stdout.write(source)
