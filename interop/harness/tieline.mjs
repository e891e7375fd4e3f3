// Starts the programs under test, and ends them.

import { execFile, spawn } from "node:child_process";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { within } from "./checks.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const program = resolve(root, process.env.TIELINE ?? "target/debug/tieline");
/** The client under test. */
export const client = resolve(root, process.env.INTEROP_CLIENT ?? "target/debug/interop-client");
const suite = basename(dirname(process.argv[1]));

/** Where this suite keeps what it installs and writes. */
export const folder = join(root, "target/interop", suite);
mkdirSync(folder, { recursive: true });
const log = write("tieline.log", "");

/** Loads an npm package of this suite; they are installed outside the source tree. */
export const load = createRequire(join(folder, "package.json"));

const children = new Set();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** Starts another program, which is ended with this one at the latest. */
export function start(command, args, options) {
  const child = spawn(command, args, options);
  children.add(child);
  child.once("exit", () => children.delete(child));
  child.on("error", (error) => console.error(`${command}: ${error.message}`));
  return child;
}

/**
 * Starts `tieline serve` and waits until it listens: on a free port with the given flags, or as a configuration
 * (TOML text) says.
 *
 * `origins` are what its lines say it listens on, `http://127.0.0.1:PORT`, in their order.
 */
export async function startTieline({ flags = [], config, listeners = 1 } = {}) {
  const where = config === undefined ? ["--listen", "127.0.0.1:0"] : ["--config", write("tieline.toml", config)];
  const child = start(program, ["serve", ...where, ...flags], {
    cwd: root,
    stdio: ["ignore", "pipe", openSync(log, "a")],
  });
  const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
  const origins = [];
  const listening = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const origin = /(?:listening on|operator at) (https?:\/\/\S+)/.exec(line)?.[1];
      if (origin && origins.push(origin.replace(/\/$/, "")) === listeners) resolve();
    });
    ended.then((code) => reject(new Error(`tieline serve ended with ${code}; its log is ${log}`)));
  });
  await within(listening, "tieline serve listens", 30_000);
  return {
    origins,
    http: (path = "/") => origins[0] + path,
    ws: (path = "/") => origins[0].replace(/^http/, "ws") + path,
    port: Number(new URL(origins[0]).port),
    pid: child.pid,
    /** Kills it where it stands, and waits until it is gone. */
    kill() {
      child.kill("SIGKILL");
      return within(ended, "tieline serve ends after SIGKILL", 30_000);
    },
    /** Sends SIGTERM, and answers the exit code. */
    stop() {
      child.kill("SIGTERM");
      return within(ended, "tieline serve ends after SIGTERM", 30_000);
    },
  };
}

/**
 * Starts `tieline exec`, `terminal` or `tail`, and waits for the address that it prints first.
 *
 * `address` has the ticket behind its `#`; `origin` is it without.
 */
export async function startBridge(args, { env = {}, cwd = folder } = {}) {
  const stdio = ["ignore", "pipe", openSync(log, "a")];
  const child = start(program, args, { cwd, stdio, env: { ...process.env, NO_COLOR: "1", ...env } });
  const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
  const printed = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    ended.then((code) => reject(new Error(`tieline ${args[0]} ended with ${code}; its log is ${log}`)));
  });
  const address = await within(printed, `tieline ${args[0]} prints its address`, 30_000);
  return {
    address,
    origin: new URL(address).origin,
    pid: child.pid,
    /** Sends SIGINT, as Ctrl-C does, and answers the exit code. */
    stop() {
      child.kill("SIGINT");
      return within(ended, `tieline ${args[0]} ends after SIGINT`, 30_000);
    },
  };
}

/** Runs the client under test; fails, with what it printed, unless it ends with 0. */
export function runClient(...args) {
  return new Promise((resolve, reject) => {
    execFile(client, args, { timeout: 50_000 }, (error, stdout, stderr) => {
      if (error)
        reject(new Error(`interop-client ended with ${error.code ?? error.signal}: ${stdout}${stderr}`.trim()));
      else resolve(stdout);
    });
  });
}

/** Writes a file into this suite's folder, and answers its path. */
export function write(name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
