"""Ports the installed autobahntestsuite 25.10.1 from Python 2.7 to Python 3, in place.

The cases keep octets in strings. They stay strings, one character (U+0000 to U+00FF) for each octet, so that what the
cases say is untouched; octets.py converts where they meet autobahn.
"""

import re
import shutil
import sysconfig
from pathlib import Path

from fissix import refactor

PACKAGES = Path(sysconfig.get_paths()["purelib"])
SUITE = PACKAGES / "autobahntestsuite"

FIXERS = ("print", "except", "raise", "has_key", "import", "xrange", "unicode", "dict", "ne", "exec")

# Not needed for what is tested here: WAMP, performance, a database.
UNUSED = """wampfuzzing wamptestee wamptestserver wsperfcontrol wsperfmaster testdb testrun util rinterfaces
            serializer""".split()

BEFORE = {"wstest.py": [("import serializer\n", "serializer = None\n")]}

AFTER = {
    "case/case.py": [("pickle.dumps(obj1) == pickle.dumps(obj2)", "obj1 == obj2")],
    "case/case6_x_x.py": [("v.validate(vss[:i])", "v.validate(vss[:i].encode('latin-1'))")],
    "case/case9_9_1.py": [
        ("   implements(interfaces.IPushProducer)\n", ""),
        ("from zope.interface import implements\n", ""),
    ],
    "case/case10_1_1.py": [("len(self.payload) / self.p", "len(self.payload) // self.p")],
    "case/case12_x_x.py": [
        (
            "import copy, os, pkg_resources, hashlib, binascii",
            "import copy, os, pkg_resources, hashlib\nfrom .. import _octets as binascii",
        ),
        (
            "def onMessage(self, msg, binary):\n",
            "def onMessage(self, msg, binary):\n   msg = msg.encode('latin-1')\n",
        ),
    ],
    "report.py": [("import jinja2\n", "")],
    "fuzzing.py": [
        (
            "import os, json, binascii, time,",
            "from ._octets import Octets, tojson, u8\nfrom . import _octets as binascii\nimport os, json, time,",
        ),
        ("class FuzzingProtocol:", "class FuzzingProtocol(Octets):"),
        ("p = ''.join(payload)", "p = b''.join(payload)"),
        ("json.dumps(case, sort_keys = True,", "json.dumps(case, default = tojson, sort_keys = True,"),
        ("ll.encode('utf8')", "ll"),
        ("self.runCase.onPong(payload)", "self.runCase.onPong(payload.decode('latin-1'))"),
        ("self.runCase.onMessage(msg, binary)", "self.runCase.onMessage(msg.decode('latin-1'), binary)"),
        ('"description": self.Case.DESCRIPTION', '"description": binascii.text(self.Case.DESCRIPTION)'),
        ("% CCase.DESCRIPTION)", "% binascii.text(CCase.DESCRIPTION))"),
    ],
}

# These occur more than once.
EVERYWHERE = {
    "fuzzing.py": [
        (
            "open(os.path.join(outdir, report_filename), 'w')",
            "open(os.path.join(outdir, report_filename), 'w', encoding = 'utf-8', errors = 'backslashreplace')",
        ),
        ('case["httpRequest"].strip()', 'u8(case["httpRequest"]).strip()'),
        ('case["httpResponse"].strip()', 'u8(case["httpResponse"]).strip()'),
    ],
}

ASCII_LOG_DATA = """def asciiLogData(data, maxlen = 64, replace = False):
   data = binascii.tobytes(data)
   try:
      dd = data[:maxlen] + b" ..." if len(data) > maxlen - 4 else data
      return dd.decode('utf8', errors = 'replace' if replace else 'strict')
   except UnicodeDecodeError:
      return '0x' + binLogData(data, maxlen)



"""


def main():
    for name in UNUSED:
        (SUITE / f"{name}.py").unlink(missing_ok=True)
    tool = refactor.RefactoringTool([f"fissix.fixes.fix_{fixer}" for fixer in FIXERS])
    for path in [*SUITE.glob("*.py"), *SUITE.glob("case/*.py")]:
        port(path, tool)
    shutil.copy(Path(__file__).with_name("octets.py"), SUITE / "_octets.py")
    # One division is left in autobahn 0.10.9 itself.
    protocol = PACKAGES / "autobahn/websocket/protocol.py"
    division = [("range(payload_len / len(payload))", "range(payload_len // len(payload))")]
    protocol.write_text(edit(protocol.read_text("utf-8"), division, protocol), "utf-8")


def port(path, tool):
    name = path.relative_to(SUITE).as_posix()
    source, encoding = read(path)
    source = edit(source, BEFORE.get(name, []), name)
    source = str(tool.refactor_string(source if source.endswith("\n") else source + "\n", str(path)))
    source = source.replace("(object, Case, )", "(Case, )")  # the order of the bases, now that Case is an object, too
    if name.startswith("case/"):
        source = re.sub(r"^import binascii$", "from .. import _octets as binascii", source, flags=re.M)
    if name == "report.py":
        source = source[: source.index("REPORT_DIR_PERMISSIONS")]  # only the style sheet and the script are used
    if name == "fuzzing.py":
        start, end = source.index("def asciiLogData"), source.index("class FuzzingProtocol")
        source = source[:start] + ASCII_LOG_DATA + source[end:]
        source = re.sub(r"(f\.write\(\(.*\))\.encode\(\"utf-8\"\)\)", r"\1)", source)
    source = edit(source, AFTER.get(name, []), name)
    for old, new in EVERYWHERE.get(name, []):
        source = source.replace(old, new)
    path.write_text(source, encoding, newline="\n")


def read(path):
    """The source with its literals as octets: a file that says it is UTF-8 is read, and kept, as Latin-1."""
    octets = path.read_bytes().replace(b"\r\n", b"\n")
    octets = re.sub(rb"^(#.*coding[:=]\s*)utf-8", rb"\1latin-1", octets, count=1, flags=re.M)
    encoding = "latin-1" if b"latin-1" in octets[:200] else "utf-8"
    return octets.decode(encoding), encoding


def edit(source, edits, name):
    for old, new in edits:
        if source.count(old) != 1:
            raise SystemExit(f"{name} is not the file this was written for: {old!r}")
        source = source.replace(old, new)
    return source


main()
