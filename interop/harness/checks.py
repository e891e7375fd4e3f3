"""Runs checks one after the other, prints a line for each, and ends with how many passed."""

import os
import signal
import sys
import time
from contextlib import contextmanager

DEADLINE = 60  # seconds for one check
POLL = 0.02

_coloured = not os.environ.get("NO_COLOR") and (sys.stdout.isatty() or os.environ.get("FORCE_COLOR"))
_passed = 0
_failed = 0


@contextmanager
def check(sentence, deadline=DEADLINE):
    """One check: the sentence names the behaviour it shows, and the body raises where it is not so."""
    signal.signal(signal.SIGALRM, _too_late)
    signal.setitimer(signal.ITIMER_REAL, deadline)
    try:
        yield
    except Exception as error:  # whatever went wrong, the next check still runs
        count(sentence, f"{type(error).__name__}: {error}")
    else:
        count(sentence)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def count(sentence, trouble=None, number=1):
    """Prints and counts an outcome, or a number of the same; without trouble the check passed."""
    global _passed, _failed
    if trouble is None:
        _passed += number
        print(_paint(32, "ok"), "   ", sentence, flush=True)
    else:
        _failed += number
        print(_paint(31, "FAILED"), f"{sentence}: {' '.join(trouble.split())}", flush=True)


def finish():
    """Prints the last line of the suite and ends it; a suite that ran nothing fails."""
    print(f"{_passed} passed, {_failed} failed", flush=True)
    sys.exit(0 if _failed == 0 and _passed > 0 else 1)


def until(what, condition, seconds=20):
    """Waits until a condition holds, and answers what it gave."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(POLL)
    return answer


def same(got, expected):
    """Fails unless both are equal, and shows them cut to a readable length."""
    if got != expected:
        raise AssertionError(f"{_short(got)} instead of {_short(expected)}")


def _short(value):
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:100]}… ({len(value)} long)"


def _too_late(*_):
    raise TimeoutError("the check's time is over")


def _paint(colour, text):
    return f"\x1b[{colour}m{text}\x1b[0m" if _coloured else text
