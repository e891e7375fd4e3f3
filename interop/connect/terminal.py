"""A terminal with a shell in it, driven by tmux as hands and eyes would."""

import atexit
import os
import shutil
import subprocess

from harness.checks import until
from harness.tieline import FOLDER

HISTORY = 60_000  # lines that the terminal remembers


class Terminal:
    """A terminal of its own, with a home of its own."""

    _number = 0

    def __init__(self, columns=100, rows=40, home=None, **environment):
        Terminal._number += 1
        self.home = home or FOLDER / f"home-{Terminal._number}"
        if home is None:
            shutil.rmtree(self.home, ignore_errors=True)
            self.home.mkdir()
        self._socket = f"tieline-{os.getpid()}-{Terminal._number}"
        given = {"HOME": self.home, "PS1": "ready$ ", "TERM": "xterm-256color", "PATH": os.environ["PATH"], **environment}
        variables = [f"{name}={value}" for name, value in given.items()]
        size = ["-x", str(columns), "-y", str(rows)]
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "sleep", "infinity")
        atexit.register(self.close)
        self._tmux("set-option", "-g", "history-limit", str(HISTORY))
        # Another window: the first has the history of before.
        self._tmux("new-window", "env", "-i", *variables, "bash", "--norc", "--noprofile")
        self.see("ready$")

    def _tmux(self, *arguments, **options):
        command = ["tmux", "-L", self._socket, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout

    def close(self):
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True)

    def keys(self, *names):
        """Presses keys by tmux's names: Enter, Up, C-c."""
        self._tmux("send-keys", *names)

    def type(self, text):
        """Types a line, and Enter."""
        self._tmux("send-keys", "-l", text)
        self.keys("Enter")

    def paste(self, text):
        """Pastes text, line ends as Enter."""
        self._tmux("load-buffer", "-", input=text)
        self._tmux("paste-buffer")

    def screen(self, colours=False):
        """All that was ever on the screen."""
        return self._tmux("capture-pane", "-p", "-S", "-", *(["-e"] if colours else []))

    def see(self, words, seconds=20):
        """Waits until words are on the screen, and answers all of it."""
        return until(f"{words!r} on the screen", lambda: words in (screen := self.screen()) and screen, seconds)

    def code(self):
        """The exit code of what ran last; the terminal is as a shell needs it."""
        self.type("echo code=$? $(stty -a | grep -oE -- '-?(icanon|echo|isig)\\b' | tr '\\n' ' ')end")
        screen = self.see(" end")
        line = [line for line in screen.splitlines() if line.startswith("code=")][-1]
        code, *modes = line.removesuffix(" end").split()
        if sorted(modes) != ["echo", "icanon", "isig"]:
            raise AssertionError(f"the terminal was left with {modes}")
        return int(code.removeprefix("code="))
