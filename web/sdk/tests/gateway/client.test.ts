// The client on real sockets, with a small gateway of the test's own.

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { call, text } from "../../src/gateway/call.ts";
import {
  type Client,
  createClient,
  type Event,
  type Options,
  type Socket,
} from "../../src/gateway/client.ts";
import { hmac, stringToSign } from "../../src/gateway/signature.ts";

type Line = WebSocket & { said: string[] };

interface Envelope {
  path: string;
  headers: Record<string, string[]>;
  body: string;
}

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A gateway: binds, beats, and answers each call with its own path; `lines` are those that opened. */
async function gateway(keepAliveMs = 25_000) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  ends.push(() => {
    for (const line of server.clients) line.terminate();
    server.close();
  });
  const lines: Line[] = [];
  const calls: Envelope[] = [];
  server.on("connection", (socket) => {
    const line = Object.assign(socket, { said: [] as string[] });
    lines.push(line);
    line.on("message", (data) => {
      const said = String(data);
      line.said.push(said);
      if (said.startsWith("RG#")) line.send(`RO#cred${lines.length}#${keepAliveMs}`);
      else if (said === "H1") line.send(`HO#cred${lines.length}`);
      else if (said.startsWith("{")) {
        const envelope = JSON.parse(said) as Envelope;
        calls.push(envelope);
        const seq = envelope.headers["x-ca-seq"]?.[0];
        const header = { "x-ca-seq": seq, "content-type": "text/plain" };
        line.send(JSON.stringify({ status: 200, header, body: envelope.path }));
      }
      line.emit("said");
    });
    server.emit("line");
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}/`, lines, calls, server };
}

function connect(url: string, options: Options = {}): Client & { events: Event[] } {
  const events: Event[] = [];
  const client = createClient(url, {
    baseMs: 10,
    socket: (url) => new WebSocket(url) as unknown as Socket,
    ...options,
    onEvent: async (event) => {
      events.push(event);
      await options.onEvent?.(event);
    },
  });
  ends.push(() => client.close());
  return Object.assign(client, { events });
}

/** An owner that hears messages, and is done with them when the test says so. */
function slowOwner() {
  let finish = () => {};
  const dealt = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let isHeard = () => {};
  const heard = new Promise<void>((resolve) => {
    isHeard = resolve;
  });
  const onEvent = (event: Event) => {
    if (event.kind !== "notify") return undefined;
    isHeard();
    return dealt;
  };
  return { onEvent, heard, finish };
}

/** Waits until the line has said what the test waits for. */
async function said(line: Line, words: string): Promise<void> {
  while (!line.said.includes(words)) {
    await once(line, "said", { signal: AbortSignal.timeout(20_000) });
  }
}

test("it binds, registers, calls and unregisters", async () => {
  const { url, lines, calls } = await gateway();
  const client = connect(url, { deviceId: "ab12@1" });
  const registered = await client.register(call("POST", "/register"));
  assert.equal(registered.status, 200);
  assert.equal((await client.call(call("GET", "/hello"))).body, "/hello");
  await client.unregister(call("POST", "/unregister"));
  assert.equal(lines[0]?.said[0], "RG#ab12@1");
  const kinds = calls.map(({ headers }) => headers["x-ca-websocket_api_type"]?.[0]);
  assert.deepEqual(kinds, ["REGISTER", undefined, "UNREGISTER"]);
  assert.deepEqual(
    client.events.map(({ kind }) => kind),
    ["bound", "registered"],
  );
});

test("a message is told, and acknowledged once it was dealt with", async () => {
  const { url, lines } = await gateway();
  const { onEvent, heard, finish } = slowOwner();
  const client = connect(url, { onEvent });
  await client.call(call("GET", "/"));
  const [line] = lines as [Line];
  line.send("NF#a#b");
  await heard;
  await client.call(call("GET", "/"));
  assert.equal(line.said.includes("NO"), false);
  finish();
  await said(line, "NO");
  assert.deepEqual(client.events.at(-1), { kind: "notify", text: "a#b" });
});

test("a message of a line that is gone is not acknowledged on the next", async () => {
  const { url, lines, server } = await gateway();
  const { onEvent, heard, finish } = slowOwner();
  const client = connect(url, { onEvent });
  await client.call(call("GET", "/"));
  lines[0]?.send("NF#a");
  await heard;
  const again = once(server, "line", { signal: AbortSignal.timeout(20_000) });
  lines[0]?.terminate();
  await again;
  await client.call(call("GET", "/bound"));
  finish();
  // What would be said of it is said before the second of these.
  for (const path of ["/first", "/second"]) await client.call(call("GET", path));
  assert.equal(lines[1]?.said.includes("NO"), false);
});

test("it beats as often as it is told", async () => {
  const { url, lines, server } = await gateway(1_000);
  connect(url);
  await once(server, "line");
  await said(lines[0] as Line, "H1");
});

for (const [why, end] of [
  ["CR", (line: Line) => line.send("CR")],
  ["OS", (line: Line) => line.send("OS")],
  ["a close", (line: Line) => line.close(1000)],
  ["a loss", (line: Line) => line.terminate()],
] as const) {
  test(`after ${why} it comes back as the same device and registers again`, async () => {
    const { url, lines, calls, server } = await gateway();
    const client = connect(url, { deviceId: "same" });
    await client.register(call("POST", "/register"));
    const again = once(server, "line", { signal: AbortSignal.timeout(20_000) });
    end(lines[0] as Line);
    await again;
    assert.equal((await client.call(call("GET", "/after"))).status, 200);
    assert.deepEqual(
      calls.map(({ path }) => path),
      ["/register", "/register", "/after"],
    );
    assert.equal(lines[1]?.said[0], "RG#same");
    const kinds = client.events.map(({ kind }) => kind);
    assert.deepEqual(kinds, ["bound", "registered", "disconnected", "bound", "registered"]);
  });
}

test("calls are signed, each with a nonce of its own", async () => {
  const { url, calls } = await gateway();
  const client = connect(url, { credentials: { key: "1", secret: "s" } });
  await client.call(
    call("POST", "/x", { body: text("hello"), headers: { "content-type": "text/plain" } }),
  );
  await client.call(call("GET", "/y", { query: { b: "", a: "1" } }));
  const nonces = new Set(calls.map(({ headers }) => headers["x-ca-nonce"]?.[0]));
  assert.equal(nonces.size, 2);
  for (const [index, asked] of [
    call("POST", "/x", { body: text("hello") }),
    call("GET", "/y", { query: { b: "", a: "1" } }),
  ].entries()) {
    const { headers } = calls[index] as Envelope;
    const flat = Object.fromEntries(
      Object.entries(headers).map(([name, [value]]) => [name, value ?? ""]),
    );
    const names = (flat["x-ca-signature-headers"] ?? "").split(",");
    const expected = await hmac("s", stringToSign({ ...asked, headers: flat }, names));
    assert.equal(flat["x-ca-signature"], expected);
  }
});

test("a client that is closed stays away, and its calls end", async () => {
  const { url, lines, server } = await gateway();
  const client = connect(url);
  await client.call(call("GET", "/"));
  const [line] = lines as [Line];
  line.removeAllListeners("message");
  const waits = client.call(call("GET", "/never"));
  const closed = once(line, "close");
  client.close();
  await assert.rejects(waits, { problem: "ended" });
  await assert.rejects(client.call(call("GET", "/")), { problem: "ended" });
  assert.equal((await closed)[0], 1000);
  assert.equal(server.clients.size, 0);
});
