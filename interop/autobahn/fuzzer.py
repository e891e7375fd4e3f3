"""Runs the Autobahn suite's two fuzzers, inside the environment it is installed in.

fuzzer.py against-server URL OUT PATTERN…    tests the server at URL
fuzzer.py against-client OUT PATTERN…        listens on a free port, says which, and tests the client that comes

OUT gets the suite's own reports (index.html) and verdicts.json, {case: verdict}, with null where there is no result.
The first line on stdout says how many cases there are; a line for each case follows.
"""

import json
import shutil
import signal
import sys
from pathlib import Path

from autobahntestsuite import fuzzing
from autobahntestsuite.case import CaseBasename, CaseCategories, Cases, CaseSetname, CaseSubCategories
from autobahntestsuite.caseset import CaseSet
from twisted.internet import reactor, task

AGENT = "tieline"


def main():
    sys.stdout.reconfigure(line_buffering=True)
    role, *arguments = sys.argv[1:]
    if role == "against-server":
        url, out, *patterns = arguments
        cases = select(patterns)
        factory = fuzzing.FuzzingClientFactory(spec(out, cases, servers=[{"agent": AGENT, "url": url}]))
    else:
        out, *patterns = arguments
        cases = select(patterns)
        factory = listen(spec(out, cases, url="ws://127.0.0.1:1"))
    run(factory)
    Path(out, "verdicts.json").write_text(json.dumps(verdicts(factory, out, cases)))


def select(patterns):
    """The cases that match; "7" is short for "7.*"."""
    known = CaseSet(CaseSetname, CaseBasename, Cases, CaseCategories, CaseSubCategories)
    patterns = [f"{pattern}.*" if pattern.isdigit() else pattern for pattern in patterns]
    cases = known.parseSpecCases({"cases": patterns, "exclude-cases": []})
    strange = [case for case in cases if case not in known.CasesById]
    if strange or not cases:
        sys.exit(f"no such case: {' '.join(strange or patterns)}")
    print(f"cases {len(cases)}")
    return cases


def spec(out, cases, **more):
    shutil.rmtree(out, ignore_errors=True)
    Path(out).mkdir(parents=True)
    return {"outdir": out, "cases": cases, "exclude-cases": [], "exclude-agent-cases": {}} | more


def listen(specification):
    """Starts the fuzzing server, which ends when every case has a result, or on SIGTERM."""
    factory = fuzzing.FuzzingServerFactory(specification)
    port = reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port
    # The suite compares the Host of a request with the address it believes to be at.
    factory.setSessionParameters(url=f"ws://127.0.0.1:{port}", server=factory.server)
    reactor.callWhenRunning(print, f"listening on ws://127.0.0.1:{port}")

    def stop_when_done():
        if len(factory.agents.get(AGENT, {})) == len(specification["cases"]):
            reactor.stop()

    task.LoopingCall(stop_when_done).start(0.2)
    return factory


def run(factory):
    """Runs until the fuzzer is through or told to stop, and writes the reports once, at the end."""
    write_reports, factory.createReports = factory.createReports, lambda *_: None
    signal.signal(signal.SIGTERM, lambda *_: reactor.callFromThread(reactor.stop))
    reactor.run(installSignalHandlers=False)
    write_reports()


def verdicts(factory, out, cases):
    index = Path(out, "index.json")
    results = json.loads(index.read_text()).get(AGENT, {}) if index.exists() else {}
    return {case: verdict(results[case]) if case in results else None for case in cases}


def verdict(result):
    """One word for each case, after the colours of the suite's own report: how it went and how it was closed."""
    behaviour, close = result["behavior"], result["behaviorClose"]
    if behaviour == "UNIMPLEMENTED":
        return behaviour
    if behaviour not in ("OK", "NON-STRICT", "INFORMATIONAL") or close in ("FAILED", "UNCLEAN"):
        return "FAILED"
    if behaviour == "OK" and close in ("WRONG CODE", "FAILED BY CLIENT"):
        return "NON-STRICT"
    return behaviour


main()
