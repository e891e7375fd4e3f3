// A line to the hixie-76 client, which runs as a program of its own.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { within } from "../harness/checks.mjs";
import { folder, start } from "../harness/tieline.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const installed = join(folder, "../legacy");

/** The Python to run the client with: 2.7 and the client as published, or 3 and its port. PYTHON27 names one. */
export function interpreter() {
  const candidates = process.env.PYTHON27 === undefined ? findPython27() : [process.env.PYTHON27];
  const old = candidates.find((command) => command && spawnSync(command, ["-c", "import select"]).status === 0);
  if (old) return { command: old, library: "published", name: "as published, under Python 2.7" };
  return { command: "python3", library: "ported", name: "ported to Python 3" };
}

function findPython27() {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
  let names = [];
  try {
    names = readdirSync(versions).filter((name) => name.startsWith("2.7"));
  } catch {
    // There is no pyenv here.
  }
  return ["python2.7", ...names.map((name) => join(versions, name, "bin/python2.7"))];
}

/** Opens a line; fails with the client's own words where it is refused. */
export async function openHixie76(url) {
  const { command, library } = interpreter();
  const env = { ...process.env, PYTHONPATH: join(installed, library), PYTHONDONTWRITEBYTECODE: "1" };
  const child = start(command, [join(here, "hixie76_client.py"), url], { env, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (what) => {
    const { value } = await within(lines.next(), what);
    if (value === undefined) throw new Error(`the hixie-76 client ended before ${what}`);
    return JSON.parse(value);
  };
  const expect = async (kind) => {
    const said = await next(`a hixie-76 ${kind}`);
    if (!(kind in said)) throw new Error(`${JSON.stringify(said)} instead of a ${kind}`);
    return said[kind];
  };

  const { refused } = await next("the hixie-76 handshake");
  if (refused) throw new Error(refused);
  return {
    send: (text) => child.stdin.write(`${ascii(JSON.stringify(text))}\n`),
    next: () => expect("message"),
    /** How the line ended. */
    closed: () => expect("closed"),
    /** Closes the line, and answers how it ended. */
    close() {
      child.stdin.end();
      return expect("closed");
    },
  };
}

function ascii(json) {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
