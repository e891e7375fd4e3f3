"""The examples of tieline-capi in C, C++ and LuaJIT against `tieline serve` and Python websockets.

They are installed and compiled as their users would, by crates/capi/install and pkg-config. Each echoes; each survives a
server that is killed and started again; and each does so under valgrind, which finds no error and no leak.
"""

import echoes
import servers

from harness.checks import check, finish, same

TEXTS = ["hello", "adiós, 你好, 👋", "", "x" * 60_000, *(f"line {number}" for number in range(200))]


def run(language, program, server):
    with check(f"{language}: {len(TEXTS)} texts come back from {server}"):
        with program(server.url) as echo:
            same([echo.say(text) for text in TEXTS], TEXTS)
            echo.ends_well()
    with check(f"{language}: {server} is killed twice and started again, and the answers go on"):
        survives(program, server)
    with check(f"{language}: a wrong URL is refused in words"):
        echoes.fails(program, server.url.replace("ws://", "http://"), 2, "ws")


def survives(program, server):
    with program(server.url) as echo:
        for number in range(3):
            same(echo.say(f"before {number}"), f"before {number}")
            if number == 2:
                break
            server.kill()
            # It is told while nobody is there, and said when somebody is.
            echo.tell(f"meanwhile {number}")
            server.start()
            same(echo.answer(), f"meanwhile {number}")
        echo.ends_well()


for server in (servers.OurServer(), servers.PythonServer()):
    for language, program in echoes.PROGRAMS.items():
        run(language, program, server)
        with check(f"{language}: under valgrind likewise, without an error or a leak, with {server}", deadline=240):
            survives(echoes.under_valgrind(program), server)
    server.kill()
finish()
