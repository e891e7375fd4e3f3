// Captures on the loopback interface while somebody talks, and what is seen in a capture.

import { execFile } from "node:child_process";
import { openSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { until, within } from "../harness/checks.mjs";
import { folder, start } from "../harness/tieline.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const program = resolve(root, process.env.TIELINE ?? "target/debug/tieline");
const MAX_OUTPUT = 256 << 20;

/** Whether this user may capture. */
export async function mayCapture() {
  const { listening, stop } = tcpdump(join(folder, "none.pcap"), [1]);
  const may = await listening;
  await stop();
  return may;
}

/** Captures what is said on some ports while `talk` runs, until all of its connections are over; answers the file. */
export async function capture(name, ports, connections, talk, flags = []) {
  const file = join(folder, `${name}.pcap`);
  const { listening, stop } = tcpdump(file, ports);
  try {
    if (!(await listening)) throw new Error("tcpdump ended before it listened");
    await talk();
    await until(`${connections} connections and their ends are in ${file}`, async () => {
      const events = await inspect(file, ...flags).catch(() => []);
      const ends = events.filter(({ event, end }) => event === "closed" && end !== "unseen");
      return ends.length >= connections;
    });
  } finally {
    await stop();
  }
  return file;
}

function tcpdump(file, ports) {
  const filter = ports.map((port) => `tcp port ${port}`).join(" or ");
  // Memory for 64 MiB of packets: none is dropped where the machine is busy.
  const options = ["-i", "lo", "-n", "-s", "0", "-B", "65536", "-U", "--immediate-mode", "-w", "-", filter];
  const child = start("tcpdump", options, { stdio: ["ignore", openSync(file, "w"), "pipe"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const listening = new Promise((resolve) => {
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
      if (said.includes("listening on")) resolve(true);
    });
    ended.then(() => resolve(false));
  });
  const stop = () => {
    if (child.exitCode === null) child.kill("SIGINT");
    return within(ended, "tcpdump ends");
  };
  return { listening: within(listening, "tcpdump listens"), stop };
}

/**
 * The events that `tieline inspect --live` sees while `talk` runs, until a connection with a WebSocket is over; or the words
 * by which a build without that feature says how to get it.
 */
export async function live(talk) {
  const child = start(program, ["inspect", "--live", "lo", "--json"], { stdio: ["ignore", "pipe", "pipe"] });
  const [printed, said] = [gathered(child.stdout), gathered(child.stderr)];
  const ended = new Promise((resolve) => child.once("close", resolve));
  await until("it captures, or says why not", () => said().includes("until it is interrupted") || child.exitCode !== null);
  if (child.exitCode !== null) return said();
  await talk();
  await until("the end of the connection is told", () => printed().includes('"closed"'));
  child.kill("SIGINT");
  const code = await within(ended, "it ends when it is interrupted");
  if (code !== 0) throw new Error(`it ended with ${code}: ${said()}`);
  return parsed(printed());
}

function gathered(stream) {
  let text = "";
  stream.on("data", (chunk) => {
    text += chunk;
  });
  return () => text;
}

/** The events that `tieline inspect --json` sees in a capture. */
export async function inspect(file, ...flags) {
  return parsed(await output(program, ["inspect", "--json", file, ...flags]));
}

function parsed(printed) {
  return printed
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** What the table of `tieline inspect` says of a capture. */
export function table(file, ...flags) {
  return output(program, ["inspect", file, ...flags]);
}

/** The packets in which tshark sees frames of WebSockets; `ports` are those of the servers, `keys` is a key log of TLS. */
export async function tshark(file, ports, keys) {
  const protocol = keys ? "tls" : "http";
  const as = ports.flatMap((port) => ["-d", `tcp.port==${port},${protocol}`]);
  if (keys) as.push("-o", `tls.keylog_file:${keys}`);
  const form = ["-T", "json", "-x", "--no-duplicate-keys", "-Y", "websocket"];
  return JSON.parse(await output("tshark", ["-r", file, ...as, ...form]));
}

function output(command, args) {
  return new Promise((resolve, reject) => {
    execFile(command, args, { maxBuffer: MAX_OUTPUT }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command} ended with ${error.code ?? error.signal}: ${stderr}`));
      else resolve(stdout);
    });
  });
}
