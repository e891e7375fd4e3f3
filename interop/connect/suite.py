"""`tieline connect` in a terminal and in scripts, with PyPI `websockets` at the other end."""

import asyncio
import re
import subprocess

from harness.checks import check, finish, same, until
from harness.tieline import FOLDER, PROGRAM, Tieline
from peer import Peer
from terminal import Terminal
from websockets.asyncio.client import connect

PASTED = 10_000  # lines


def started(url, *flags, **terminal):
    """A terminal in which a line is open."""
    screen = Terminal(**terminal)
    screen.type(" ".join([str(PROGRAM), "connect", url, *flags]))
    screen.see("connected:")
    return screen


def run(*arguments, text="", code=0):
    """Runs the program without a terminal; answers its standard output."""
    command = [PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=50)
    same((done.returncode, done.stderr if done.returncode != code else ""), (code, ""))
    return done.stdout


def in_a_terminal(peer):
    with check("what is typed is sent, and what comes is shown; Ctrl-D closes with 1000"):
        screen = started(peer.url())
        screen.type("hello")
        screen.see("< hello")
        screen.keys("C-d")
        screen.see("closed with 1000")
        same(screen.code(), 0)
        until("the close", lambda: peer.closes)
        same((peer.heard.pop(), peer.closes.pop()), ("hello", (1000, "")))

    with check("what was typed is there in the next run"):
        again = started(peer.url(), home=screen.home)
        again.keys("Up")
        again.see("> hello")
        again.keys("Enter")
        again.see("< hello")
        again.keys("C-c")
        again.see("closed with 1000")
        same(again.code(), 0)

    with check("JSON is indented and coloured, numbers to the last digit"):
        screen = started(peer.url("/json"))
        shown = screen.see('"empty": {}')
        same('  "n": 1.50,\n  "list": [\n    true,\n    null,' in shown, True)
        same("\x1b[36m" in screen.screen(colours=True), True)
        screen.type("/json")
        screen.see("pretty JSON: off")
        screen.type('{"a":1}')
        screen.see('< {"a":1}')

    with check("with NO_COLOR nothing is coloured"):
        screen = started(peer.url("/json"), NO_COLOR="1")
        screen.see('"empty": {}')
        same("\x1b[3" in screen.screen(colours=True).split("connected:", 1)[1], False)

    with check("what would steer the terminal is shown, and not obeyed"):
        shown = started(peer.url("/escape")).see("red")
        same("connected:" in shown and "\\u{1b}[2Jgone\\u{7}" in shown and "\\u{9b}31mred\\u{202e}" in shown, True)

    with check("a ping says how long it took; those of the server are shown on request"):
        with_pings = Peer(ping_interval=0.1)
        screen = started(with_pings.url(), "--pings", "--times")
        screen.see("ping ")
        screen.type("/ping are you there")
        shown = screen.see('pong "are you there" after')
        same(bool(re.search(r"\d\.\d{3} s pong \"are you there\" after [\d.]+ (µs|ms)", shown)), True)

    with check("bytes are shown beside their letters, sent from files, and saved into them"):
        screen = started(peer.url("/binary"))
        screen.see("00000010  10 11 12")
        given, saved = FOLDER / "given.bin", FOLDER / "saved.bin"
        given.write_bytes(b"\x00\xfftieline" * 1_000)
        screen.type(f"/binary @{given}")
        screen.see("9000 bytes")
        screen.type(f"/save {saved}")
        screen.see("9000 bytes are in")
        same(saved.read_bytes(), given.read_bytes())

    with check("commands: what was agreed, help, a mistake that is not sent, two slashes, a close with its reason"):
        screen = started(peer.url(), "--deflate")
        screen.type("/headers")
        screen.see("agreed: subprotocol none, extensions permessage-deflate")
        screen.type("/help")
        screen.see("/close [CODE] [WHY]")
        peer.heard.clear()
        screen.type("/nonsense")
        screen.see("is no command and was not sent")
        screen.type("//nonsense")
        screen.see("< /nonsense")
        same(peer.heard, ["/nonsense"])
        peer.closes.clear()
        screen.type("/close 4000 why not")
        screen.see("closed with 4000")
        until("the close", lambda: peer.closes)
        same((peer.closes[0], screen.code()), ((4000, "why not"), 0))

    with check("a server that closes ends it, with 0 where it is done and 1 where it failed"):
        for path, words, code in [("/bye", "closed with 1000 (normal closure): done", 0), ("/goodbye", "1011", 1)]:
            screen = started(peer.url(path))
            screen.see(words)
            same(screen.code(), code)

    with check(f"{PASTED:,} lines that are pasted are sent and answered, each once and in order"):
        screen = started(peer.url())
        lines = [f"line {n} of what is pasted" for n in range(PASTED)]
        peer.heard.clear()
        screen.paste("".join(f"{line}\n" for line in lines))
        shown = screen.see(f"< {lines[-1]}", seconds=50)
        same(peer.heard, lines)
        same([line[2:] for line in shown.splitlines() if line.startswith("< ")], lines)
        screen.keys("C-c")
        screen.see("closed with 1000")
        same(screen.code(), 0)
        same(len((screen.home / ".local/state/tieline/history").read_text().splitlines()), 1_001)


def in_scripts(peer):
    with check("a script expects, and is told by the exit code"):
        same(run("connect", peer.url(), "-m", "one", "-m", "two", "--expect", "^tw"), "one\ntwo\n")
        run("connect", peer.url(), "-m", "one", "--expect", "two", "--timeout", "300ms", code=1)
        run("connect", peer.url("/goodbye"), "--stay", code=1)

    with check("a password is asked for, and shown"):
        guarded = Peer(user=("me", "secret"))
        password = FOLDER / "password"
        password.write_text("secret\n")
        run("connect", guarded.url(), "-m", "a", code=3)
        same(run("connect", guarded.url(), "-m", "a", "--user", "me", "--password-file", password), "a\n")

    with check("it is the server for a client of `websockets`, compressed and with a subprotocol"):
        asyncio.run(listens())


async def listens():
    flags = ["connect", "--listen", "127.0.0.1:0", "--deflate", "-s", "chat", "--count", "2"]
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(PROGRAM, *flags, stdin=pipe, stdout=pipe, stderr=pipe)
    url = (await server.stderr.readline()).decode().removeprefix("listening at ").strip()
    async with connect(url, subprotocols=["chat"]) as line:
        same((line.subprotocol, [type(extension).__name__ for extension in line.protocol.extensions]), ("chat", ["PerMessageDeflate"]))
        await line.send("from the client" * 20)
        server.stdin.write(b"from the server\n")
        same(await line.recv(), "from the server")
        await line.send("done")
        await line.wait_closed()
        same(line.close_code, 1000)
    out, _ = await server.communicate()
    same((out.decode(), server.returncode), ("from the client" * 20 + "\ndone\n", 0))


def recorded():
    with check("a chat that was held in a terminal has the same answers when it is replayed"):
        server = Tieline()
        file = FOLDER / "chat.jsonl"
        file.unlink(missing_ok=True)
        screen = started(server.ws("/chat"), "--record", str(file))
        for text in ["hello", "你好, with ünïcode", "quit"]:
            screen.type(text)
            screen.see(f"< 127.0.0.1:{text}" if text != "quit" else "Logout")
        same(screen.code(), 0)
        same(run("replay", file, server.ws("/chat"), "--fast"), "all 4 answers are the same\n")
        same(run("replay", file, server.ws("/chat")), "all 4 answers are the same\n")
        run("replay", file, server.ws("/echo"), "--fast", "--within", "300ms", code=1)
        same(server.stop(), 0)


one = Peer()
in_a_terminal(one)
in_scripts(one)
recorded()
finish()
