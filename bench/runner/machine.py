"""What was measured on, and which versions: read from lock files and from the tools themselves."""

import json
import platform
import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .servers import BENCH, ROOT


@dataclass(frozen=True)
class Machine:
    processor: str
    cores: int
    kernel: str


def machine() -> Machine:
    described = Path("/proc/cpuinfo").read_text()
    models = re.findall(r"^model name\s*:\s*(.+)$", described, re.MULTILINE)
    family = re.search(r"^cpu family\s*:\s*(\d+)$", described, re.MULTILINE)
    model = re.search(r"^model\s*:\s*(\d+)$", described, re.MULTILINE)
    which = f" (family {family[1]}, model {model[1]})" if family and model else ""
    kernel = re.match(r"[\d.]+", platform.release())
    return Machine(
        processor=(models[0] if models else platform.machine()) + which,
        cores=len(models),
        kernel=f"{platform.system()} {kernel[0] if kernel else platform.release()}",
    )


def versions() -> dict[str, str]:
    """The version of each server, with what else decides how fast it is."""
    crates = _crates()
    npm = json.loads((BENCH / "peers/node/package-lock.json").read_text())["packages"]
    python = (BENCH / "peers/python/requirements.txt").read_text()
    rust = _say("rustc", "--version").split()[1]
    gcc = _say("g++", "-dumpfullversion")
    sources = f"20, in libuwebsockets-sys {crates['libuwebsockets-sys']}"
    with_tokio = f"tokio {crates['tokio']}, rustls {crates['rustls']}, rustc {rust}"
    found = {
        "tieline": f"commit {_commit()}, rustc {rust}",
        "uwebsockets": f"{sources}; g++ {gcc}, zlib {_debian('zlib1g-dev')}, OpenSSL {_debian('libssl-dev')}",
        "uwebsockets-libdeflate": f"{sources}; g++ {gcc}, libdeflate {_debian('libdeflate-dev')}",
        "bare": f"g++ {gcc}",
        "ws": ", ".join(
            f"{name} {npm[f'node_modules/{name}']['version']}" for name in ("ws", "bufferutil", "utf-8-validate")
        )
        + f", Node {_say('node', '--version').removeprefix('v')}",
        "websockets": re.findall(r"^websockets==(.+)$", python, re.MULTILINE)[0]
        + f", Python {_say(str(BENCH / 'target/python/bin/python'), '--version').split()[1]}",
    }
    for name in ("fastwebsockets", "tokio-tungstenite", "tokio-websockets", "sockudo-ws", "yawc"):
        found[name] = f"{crates[name]}; {with_tokio}"
    return found


def _commit() -> str:
    """The commit, with a word if something was changed since; what the runner itself writes is no change."""
    changed = _say("git", "-C", str(ROOT), "status", "--porcelain", "--", ".", ":!docs/benchmarks*")
    return _say("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")


def _crates() -> dict[str, str]:
    locked = tomllib.loads((BENCH / "Cargo.lock").read_text())["package"]
    return {package["name"]: package["version"] for package in locked}


def _debian(package: str) -> str:
    version = _say("dpkg-query", "-W", "-f", "${Version}", package).split(":")[-1]
    return re.split(r"[-+]", version)[0] if version != "?" else "?"


def _say(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "?"
