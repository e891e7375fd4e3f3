"""The Autobahn test suite against the server and against the client, compared with expected-results.json."""

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

from harness.checks import count, finish
from harness.tieline import CLIENT, FOLDER, Tieline

HERE = Path(__file__).resolve().parent
PYTHON = FOLDER / "venv/bin/python"
TIMEOUT = 1800  # seconds for one role
SETTLE = 20  # seconds for the fuzzer to end after the client did

GROUPS = {
    1: "framing",
    2: "pings and pongs",
    3: "reserved bits",
    4: "opcodes",
    5: "fragmentation",
    6: "UTF-8",
    7: "closing",
    9: "limits and performance",
    10: "fragments sent on their own",
    12: "permessage-deflate",
    13: "permessage-deflate, its parameters",
}

SAMPLE = """1 2 3 4 5 6 7 8 9 10 12.1.1 12.2.5 12.3.9 12.4.13 12.5.18 13.1.1 13.3.7 13.5.13 13.7.18""".split()


def main():
    expected = json.loads((HERE / "expected-results.json").read_text())
    roles = {"server": against_server, "client": against_client}
    for role in sys.argv[1:] or roles:
        compare(role, roles[role](), expected)
    finish()


def patterns():
    if cases := os.environ.get("CASES"):
        return cases.split()
    return SAMPLE if os.environ.get("SAMPLE", "0") != "0" else ["*"]


def against_server():
    server = Tieline()
    with fuzzer("server", "against-server", server.ws("/echo")) as (process, _):
        process.wait(timeout=TIMEOUT)
    server.stop()
    return verdicts("server")


def against_client():
    with fuzzer("client", "against-client") as (process, url), open(FOLDER / "client.log", "w") as log:
        subprocess.run([CLIENT, "autobahn", url, "tieline"], stdout=log, stderr=log, timeout=TIMEOUT)
        try:
            process.wait(timeout=SETTLE)
        except subprocess.TimeoutExpired:  # some case never came
            process.terminate()
            process.wait(timeout=SETTLE)
    return verdicts("client")


@contextmanager
def fuzzer(role, *command):
    """The fuzzer against this role, as a process, and the address it listens on where it does."""
    command = [PYTHON, "-W", "ignore", HERE / "fuzzer.py", *command, FOLDER / role, *patterns()]
    with open(FOLDER / f"{role}.log", "w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        watch = Watch(role, process.stdout, log)
        try:
            yield process, watch.address() if role == "client" else None
        finally:
            process.kill()
            watch.join()


class Watch(threading.Thread):
    """Reads what the fuzzer says, keeps it in a log, and shows on a terminal how far it is."""

    def __init__(self, role, lines, log):
        super().__init__(daemon=True)
        self._role, self._lines, self._log = role, lines, log
        self._address, self._listening = None, threading.Event()
        self.start()

    def address(self):
        if not self._listening.wait(timeout=60) or not self._address:
            raise SystemExit(f"the fuzzer does not listen; its log is {self._log.name}")
        return self._address

    def run(self):
        total, done = 0, 0
        for line in self._lines:
            self._log.write(line)
            self._log.flush()
            if line.startswith("cases "):
                total = int(line.split()[1])
            elif line.startswith("listening on "):
                self._address = line.split()[2]
                self._listening.set()
            elif line.startswith("Running test case"):
                done += 1
                self._show(f"{self._role}: case {done} of {total}")
        self._listening.set()
        self._show("")

    @staticmethod
    def _show(text):
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def verdicts(role):
    try:
        return json.loads((FOLDER / role / "verdicts.json").read_text())
    except FileNotFoundError:
        count(f"{role}: the fuzzer ran", f"it left no results; its log is {FOLDER / role}.log")
        return {}


def compare(role, results, expected):
    """Counts every case; names those that differ from what is expected, for better or worse."""
    groups = {}
    for case, verdict in results.items():
        groups.setdefault(int(case.split(".")[0]), []).append((case, verdict))
    for group, cases in groups.items():
        as_expected = [case for case, verdict in cases if verdict == expected.get(case)]
        if as_expected:
            name = GROUPS.get(group, "other")
            sentence = f"{role}: group {group}, {name}: {len(as_expected)} of {len(cases)} cases as expected"
            count(sentence, number=len(as_expected))
        for case, verdict in cases:
            if case not in as_expected:
                trouble = f"{verdict or 'no result'} instead of {expected.get(case, 'nothing: it is not in the list')}"
                count(f"{role}: case {case}", trouble)


main()
