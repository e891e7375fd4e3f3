// The proxy, and a server of each kind behind it.

import { createServer as createHttpServer } from "node:http";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { within } from "../harness/checks.mjs";
import { folder, load, start, startTieline } from "../harness/tieline.mjs";
import { answerHttp } from "./pages.mjs";
import { openRaw } from "./raw.mjs";

const { WebSocketServer } = load("ws");
const PYTHON = join(folder, "venv/bin/python");
const SERVER = fileURLToPath(new URL("server.py", import.meta.url));

/** Starts everything; `proxy` has a route for each upstream: /tieline, /ws, /websockets, /raw. */
export async function openAll() {
  const tieline = await startTieline({
    config: `
[[listener]]
address = "127.0.0.1:0"
[[route]]
path = "/tieline"
service = { kind = "echo" }
compression = {}
subprotocols = ["second"]
limits = { max_message_bytes = 2097152 }
`,
  });
  const ws = await openWs();
  const websockets = await openWebsockets();
  const raw = await openRaw();
  const proxy = await startTieline({
    config: `
[[listener]]
address = "127.0.0.1:0"
${route("/tieline", tieline.origins[0])}
${route("/ws", ws.origin)}
${route("/pages", ws.origin, 'strip_prefix = "/pages", trusted_proxies = []')}
${route("/trusting", ws.origin, 'trusted_proxies = ["127.0.0.0/8"], host = "inner.example"')}
${route("/websockets", websockets)}
${route("/raw", raw.origin, 'answer_within = "1s", max_failures = 0')}
${route("/nobody", "http://127.0.0.1:1")}
`,
  });
  return { proxy, ws, raw };
}

/** A route of a proxy, as TOML. */
export function route(path, upstreams, more = "") {
  const list = [upstreams].flat().map((upstream) => `"${upstream}"`);
  const settings = ['kind = "proxy"', `upstreams = [${list.join(", ")}]`, ...(more ? [more] : [])];
  return `[[route]]\npath = "${path}"\nservice = { ${settings.join(", ")} }\n`;
}

/** npm ws: echoes, closes when it is told to, and answers pages on the same port. */
export async function openWs(name = "ws") {
  const http = createHttpServer((request, response) => answerHttp(request, response, name));
  const handleProtocols = (offered) => (offered.has("second") ? "second" : false);
  const server = new WebSocketServer({ server: http, perMessageDeflate: true, handleProtocols, maxPayload: 0 });
  const closed = [];
  let connections = 0;
  http.on("connection", () => (connections += 1));
  server.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => {
      if (!isBinary && String(data) === "who") socket.send(name);
      else if (!isBinary && String(data) === "bye") socket.close(4002, "as told");
      else socket.send(data, { binary: isBinary });
    });
    socket.on("close", (code, reason) => closed.push({ code, reason: String(reason) }));
    socket.on("error", () => {});
  });
  await new Promise((resume) => http.listen(0, "127.0.0.1", resume));
  return {
    origin: `http://127.0.0.1:${http.address().port}`,
    closed,
    /** How many it was asked on so far. */
    connections: () => connections,
    lines: () => server.clients.size,
    /** Ends it without a word to anybody. */
    die() {
      for (const socket of server.clients) socket.terminate();
      http.closeAllConnections();
      return new Promise((resume) => http.close(resume));
    },
  };
}

async function openWebsockets() {
  const child = start(PYTHON, [SERVER], { stdio: ["ignore", "pipe", "inherit"] });
  const line = new Promise((resume) => createInterface({ input: child.stdout }).once("line", resume));
  return `http://127.0.0.1:${await within(line, "the port of server.py")}`;
}
