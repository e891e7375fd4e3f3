"""Programs on a line: what they cost who leaves, who does not read, and what they cannot leave behind."""

import asyncio
import os
import time

import line
import seen

from harness.checks import check, finish, until
from harness.tieline import Tieline

SAMPLE = bool(os.environ.get("SAMPLE"))
COMINGS = 1_000 if SAMPLE else 10_000
UNREAD_SECONDS = 5 if SAMPLE else 60
# How many connections are open at once.
AT_ONCE = 50

# What a process may take that ignores the end of its input, and SIGTERM.
STDIN_WITHIN, TERM_WITHIN = 0.5, 1.0
# What a loaded machine may add.
SLACK = 3.0

# It forks, leaves its session, forks again, and both parents end; what is left ignores what it can.
LEAVER = """(setsid sh -c '(sh -c "$0" &)' 'trap "" TERM HUP INT; echo $$; while :; do sleep 1; done' &); cat"""

CONFIG = f"""
[[route]]
path = "/cat"
service = {{ kind = "command", argv = ["cat"], max_processes = 1000 }}

[[route]]
path = "/leaver"
[route.service]
kind = "command"
argv = ["sh", "-c", '''{LEAVER}''']
ending = {{ stdin_within = "{STDIN_WITHIN * 1000:.0f}ms", term_within = "{TERM_WITHIN * 1000:.0f}ms" }}

[[route]]
path = "/yes"
service = {{ kind = "command", argv = ["yes", "a line that nobody reads"] }}
"""

server = Tieline(config=CONFIG)


async def come_and_go(count):
    """So many connect, hear a line of their own process, and leave: some politely, some at once, some rudely."""

    async def one(number):
        async with line.opened(server.port, "/cat") as it:
            it.say(str(number))
            # Every fourth is gone before anything was answered.
            if number % 4 != 3:
                assert await it.hear() == str(number), "another line than its own"
            if number % 4 == 0:
                await it.close()
            elif number % 4 == 1:
                it.reset()

    numbers = iter(range(count))

    async def again_and_again():
        for number in numbers:
            await one(number)

    await asyncio.gather(*(again_and_again() for _ in range(AT_ONCE)))


def is_at_rest():
    return not seen.children(server.pid)


with check(f"{COMINGS:,} that come and go leave no process, no zombie and no descriptor", deadline=900):
    # What is open once and for all is open after the first.
    asyncio.run(come_and_go(AT_ONCE * 4))
    until("the first are gone", is_at_rest)
    before = seen.descriptors(server.pid)
    asyncio.run(come_and_go(COMINGS))
    until("no child is left, not even one that has ended", is_at_rest, seconds=60)
    until("no descriptor is left", lambda: seen.descriptors(server.pid) <= before, seconds=60)
    print(f"       descriptors: {before} before, {seen.descriptors(server.pid)} after; children: none", flush=True)


async def leave():
    """Goes once a descendant has left; answers its number and when that was."""
    async with line.opened(server.port, "/leaver") as it:
        return int(await it.hear()), time.monotonic()


with check("a child that forks, leaves its session, forks again and ignores SIGTERM is gone within its time"):
    pid, left_at = asyncio.run(leave())
    assert seen.exists(pid) or time.monotonic() - left_at > STDIN_WITHIN, "it has ended by itself"
    until("it is gone", lambda: not seen.exists(pid))
    took = time.monotonic() - left_at
    print(f"       gone {took:.2f} s after its peer, of {STDIN_WITHIN + TERM_WITHIN} s", flush=True)
    assert TERM_WITHIN <= took <= STDIN_WITHIN + TERM_WITHIN + SLACK, f"it took {took:.2f} s"
    until("nothing else is left", is_at_rest)


async def stopped(pid):
    """Waits until a process sleeps in a write into its pipe, and has done nothing else for a second."""
    before = None
    while before != (before := seen.cpu_ticks(pid)) or not seen.is_stuck(pid):
        await asyncio.sleep(1)


async def not_read():
    """Memory and the work of the child, each second, behind a peer that reads nothing."""
    async with line.opened(server.port, "/yes", reads=False):
        until("the process runs", lambda: seen.children(server.pid))
        child = seen.children(server.pid)[0]
        await stopped(child)
        first = seen.resident_kib(server.pid), seen.cpu_ticks(child)
        samples = []
        for _ in range(UNREAD_SECONDS):
            await asyncio.sleep(1)
            samples.append((seen.resident_kib(server.pid), seen.cpu_ticks(child)))
        return first, samples, seen.state(child)


with check(f"`yes` behind a peer that does not read: memory flat for {UNREAD_SECONDS} s, the child stopped", deadline=120):
    (memory, ticks), samples, state = asyncio.run(not_read())
    most = max(resident for resident, _ in samples)
    print(f"       {memory} KiB at first, {most} KiB at most; the child is in {state}, its CPU time stood still", flush=True)
    assert most - memory <= 256, f"it grew by {most - memory} KiB"
    assert {spent for _, spent in samples} == {ticks}, "the child went on"

async def stop_with_a_line_open():
    """Stops the server, and answers its exit code and the number of what a child has left behind."""
    async with line.opened(server.port, "/leaver") as it:
        return int(await it.hear()), await asyncio.to_thread(server.stop)


with check("a server that stops ends what it has started first"):
    pid, code = asyncio.run(stop_with_a_line_open())
    assert code == 0 and not seen.exists(pid), f"code {code}"

finish()
