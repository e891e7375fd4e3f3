"""The examples, installed and compiled as their users would, and driven line by line."""

import os
import subprocess
from functools import partial

from harness.checks import same
from harness.tieline import FOLDER, ROOT

PREFIX = FOLDER / "prefix"
EXAMPLES = ROOT / "crates/capi/examples"
LOG = FOLDER / "echoes.log"
VALGRIND = FOLDER / "valgrind.log"
FOUND = 99  # how valgrind ends where it has found something

# What is built already is installed: the suites are run after that.
subprocess.run([ROOT / "crates/capi/install", PREFIX], env=os.environ | {"BUILT": "target/debug"}, check=True)
LIBRARIES = os.environ | {"LD_LIBRARY_PATH": str(PREFIX / "lib")}
LOG.write_text("")


def compiled(compiler, source, *options):
    package = os.environ | {"PKG_CONFIG_PATH": str(PREFIX / "lib/pkgconfig")}
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "tieline_ws"], env=package, capture_output=True, text=True, check=True)
    program = FOLDER / f"echo-{source.suffix[1:]}"
    subprocess.run([compiler, "-g", *options, source, *flags.stdout.split(), "-o", program], check=True)
    return program


class Echo:
    """A running example: what is said to it comes back from its server."""

    def __init__(self, command, url):
        self._log = open(LOG, "a")
        self._process = subprocess.Popen(
            [*command, url], env=LIBRARIES, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._log.close()

    def tell(self, text):
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def answer(self):
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise AssertionError(f"it ended with {self._process.wait()}; its log is {LOG}")
        return line[:-1]

    def say(self, text):
        self.tell(text)
        return self.answer()

    def ends_well(self):
        self._process.stdin.close()
        self._process.stdin = None
        code = self._process.wait()
        if code == FOUND:
            raise AssertionError(f"valgrind has found something: {VALGRIND}")
        same(code, 0)


def under_valgrind(program):
    """The same program, whose errors and leaks are its failure."""
    (command,) = program.args
    options = ["--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible", f"--error-exitcode={FOUND}"]
    return partial(Echo, ["valgrind", "--quiet", f"--log-file={VALGRIND}", *options, *command])


def fails(program, argument, code, word):
    """The program refuses an argument, and says why."""
    (command,) = program.args
    done = subprocess.run([*command, argument], env=LIBRARIES, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    same(done.returncode, code)
    if word not in done.stderr:
        raise AssertionError(f"no {word} in {done.stderr}")


PROGRAMS = {
    "C": partial(Echo, [compiled("cc", EXAMPLES / "c/echo.c")]),
    "C++": partial(Echo, [compiled("c++", EXAMPLES / "cpp/echo.cpp", "-std=c++17")]),
    "LuaJIT": partial(Echo, ["luajit", EXAMPLES / "lua/echo.lua"]),
}
