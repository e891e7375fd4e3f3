// What `tieline inspect` sees in captures of other people's programs is what tshark sees, frame by frame; and what a
// client of hixie-76, which tshark does not know, says that it said and heard. RECORD=1 keeps the captures.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { check, finish } from "../harness/checks.mjs";
import { folder, startTieline } from "../harness/tieline.mjs";
import { capture, inspect, live, mayCapture, table } from "./capture.mjs";
import { sameFrames } from "./compare.mjs";
import { chromium, hixie76, hixie76Server, npmWs, npmWsServer, websockets, websocketsServer } from "./talks.mjs";

const certificate = fileURLToPath(new URL("../harness/certificate", import.meta.url));
const kept = new URL("captures/", import.meta.url).pathname;
const keyLog = join(folder, "keys.log");
const CONFIG = `
[[listener]]
address = "127.0.0.1:0"
legacy = true

[[listener]]
address = "127.0.0.1:0"
tls = { certificate = "${folder}/certificate.pem", key = "${folder}/key.pem", danger_key_log = "${keyLog}" }

[[route]]
path = "/echo"
service = { kind = "echo" }
compression = { min_bytes = 0 }
limits = { max_message_bytes = 1_048_576 }

[[route]]
path = "/alone"
service = { kind = "echo" }
compression = { min_bytes = 0, context_takeover = false }
limits = { max_message_bytes = 1_048_576 }
`;

if (await mayCapture()) {
  await checkNew();
} else {
  console.log("this user may not capture: the captures that are kept are compared alone");
}
for (const name of readdirSync(kept).filter((name) => name.endsWith(".pcap"))) {
  const log = join(kept, name.replace(".pcap", ".json"));
  const file = join(kept, name);
  const keys = join(kept, name.replace(".pcap", ".keys"));
  if (existsSync(log)) await checkHixie(`kept: ${name}`, file, JSON.parse(readFileSync(log)));
  else await checkFrames(`kept: ${name}`, file, existsSync(keys) ? keys : undefined);
}
finish();

async function checkNew() {
  execFileSync(certificate, [folder]);
  rmSync(keyLog, { force: true });
  const server = await startTieline({ config: CONFIG, listeners: 2 });
  const [npm, python] = [await npmWsServer(), await websocketsServer()];
  const deflate = { perMessageDeflate: { threshold: 0 } };
  const talks = [
    ["chromium", server.port, () => chromium(server), "Chromium against our server"],
    ["websockets", server.port, () => websockets(server.ws("/echo")), "PyPI websockets against our server"],
    ["ws", server.port, () => npmWs(server.ws("/echo"), deflate), "npm ws against our server"],
    ["ws-alone", server.port, () => npmWs(server.ws("/alone"), deflate), "npm ws, each message compressed alone"],
    ["ws-plain", server.port, () => npmWs(server.ws("/echo"), { perMessageDeflate: false }), "npm ws, not compressed"],
    ["ws-websockets", python.port, () => npmWs(`ws://127.0.0.1:${python.port}`, deflate), "npm ws against PyPI websockets"],
    ["websockets-ws", npm.port, () => websockets(`ws://127.0.0.1:${npm.port}`), "PyPI websockets against npm ws"],
  ];
  for (const [name, port, talk, who] of talks) {
    let file;
    await check(`${who}: is captured`, async () => {
      file = await capture(name, [port], 1, talk);
    });
    if (file) await checkFrames(who, file);
    // What is not compressed is large.
    if (file && process.env.RECORD && name !== "ws-plain") copyFileSync(file, join(kept, `${name}.pcap`));
  }
  await checkTls(server, deflate);
  let said;
  let file;
  await check("hixie-76: is captured", async () => {
    file = await capture("hixie76", [server.port], 1, async () => {
      said = await hixie76(server.ws("/echo"));
    });
  });
  if (file) await checkHixie("hixie-76", file, said);
  const old = await hixie76Server();
  let between;
  await check("hixie-76, with a server of ws 0.4.32: is captured", async () => {
    between = await capture("hixie76-ws", [old.port], 1, async () => {
      said = await hixie76(`ws://127.0.0.1:${old.port}/`);
    });
  });
  if (between) {
    await check("hixie-76, with a server of ws 0.4.32: what is seen is what both ends say that they said and heard", async () => {
      const frames = (await inspect(between)).filter(({ event }) => event === "frame");
      const texts = (from) => frames.filter((frame) => frame.from === from && frame.message).map(({ message }) => message.text);
      assert.deepEqual([texts("client"), texts("server")], [old.log.heard, old.log.said]);
      assert.deepEqual([said.said, said.heard], [old.log.heard, old.log.said]);
    });
  }
  old.stop();
  if (file && process.env.RECORD) {
    copyFileSync(file, join(kept, "hixie76.pcap"));
    writeFileSync(join(kept, "hixie76.json"), `${JSON.stringify(said, null, 2)}\n`);
  }
  await check("an interface is looked into while somebody talks, until it is interrupted", async () => {
    const events = await live(() => npmWs(server.ws("/echo"), deflate));
    if (typeof events === "string") {
      // This build has no libpcap.
      assert.match(events, /tcpdump -i lo .* \| tieline inspect -/);
      return;
    }
    const texts = events.filter(({ event, message }) => event === "frame" && message?.text === "message 19");
    assert.deepEqual(new Set(texts.map(({ from }) => from)), new Set(["client", "server"]));
    assert.equal(events.at(-1).event, "statistics");
  });
  npm.stop();
  python.stop();
  await server.stop();
}

/** Over TLS, decrypted by the server's key log. */
async function checkTls(server, deflate) {
  const url = server.origins[1].replace(/^http/, "ws");
  const port = Number(new URL(url).port);
  for (const [name, options] of [
    ["TLS 1.3, AES-128-GCM", { minVersion: "TLSv1.3", ciphers: "TLS_AES_128_GCM_SHA256" }],
    ["TLS 1.3, AES-256-GCM", { minVersion: "TLSv1.3", ciphers: "TLS_AES_256_GCM_SHA384" }],
    ["TLS 1.3, ChaCha20", { minVersion: "TLSv1.3", ciphers: "TLS_CHACHA20_POLY1305_SHA256" }],
    ["TLS 1.2, AES-128-GCM", { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }],
    ["TLS 1.2, AES-256-GCM", { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" }],
    ["TLS 1.2, ChaCha20", { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-CHACHA20-POLY1305" }],
  ]) {
    let file;
    await check(`${name}: is captured`, async () => {
      const talk = () => npmWs(`${url}/echo`, { ...deflate, ...options, rejectUnauthorized: false });
      file = await capture("tls", [port], 1, talk, ["--keys", keyLog]);
    });
    if (file) await checkFrames(name, file, keyLog);
    const record = { "TLS 1.3, AES-128-GCM": "tls-13", "TLS 1.2, AES-256-GCM": "tls-12" }[name];
    if (file && record && process.env.RECORD) {
      copyFileSync(file, join(kept, `${record}.pcap`));
      // The secrets of this very connection, which is over.
      const lines = readFileSync(keyLog, "utf8").trimEnd().split("\n");
      const random = lines.at(-1).split(" ")[1];
      const secrets = lines.filter((line) => line.split(" ")[1] === random);
      writeFileSync(join(kept, `${record}.keys`), `${secrets.join("\n")}\n`);
    }
  }
  await check("TLS without its keys: is said to be TLS", async () => {
    const events = await inspect(join(folder, "tls.pcap"));
    assert.deepEqual(
      events.map(({ event }) => event),
      ["connection", "note", "end", "statistics"],
    );
    assert.equal(events[1].note, "TLS, not decrypted: give --keys FILE");
  });
}

async function checkFrames(who, file, keys) {
  const flags = keys ? ["--keys", keys] : [];
  await check(`${who}: our frames are tshark's`, async () => {
    const count = await sameFrames(file, keys);
    assert.ok(count >= 10, `${count} frames`);
  });
  await check(`${who}: the handshake is right, nothing is wrong, and the line closes cleanly`, async () => {
    const events = await inspect(file, ...flags);
    const of = (kind) => events.filter(({ event }) => event === kind);
    const [answer] = of("response");
    assert.deepEqual([answer.status, answer.accept_right, answer.error], [101, true, null]);
    assert.deepEqual(of("frame").filter(({ error, unread, cut_off: cut }) => error || unread || cut), []);
    const [closed] = of("closed");
    assert.deepEqual([closed.clean, closed.began], [true, "client"]);
    const [statistics] = of("statistics");
    assert.deepEqual([statistics.gap_bytes, statistics.errors, statistics.websockets], [0, 0, 1]);
    const lines = (await table(file, ...flags)).split("\n").filter((line) => line.startsWith("   #"));
    const shown = events.filter(({ event }) => ["request", "response", "frame", "closed", "note"].includes(event));
    assert.equal(lines.length, shown.length);
  });
}

async function checkHixie(who, file, { said, heard, closed }) {
  await check(`${who}: what is seen is what the client says that it said and heard`, async () => {
    const events = await inspect(file);
    const of = (kind) => events.filter(({ event }) => event === kind);
    const [[request], [response], frames] = [of("request"), of("response"), of("frame")];
    assert.deepEqual([request.draft, response.accept_right], ["hixie-76", true]);
    const texts = (from) => frames.filter((frame) => frame.from === from && frame.message).map(({ message }) => message.text);
    assert.deepEqual([texts("client"), texts("server")], [said, heard]);
    assert.equal(closed, "answered with FF 00");
    const closes = frames.filter(({ close }) => close).map(({ from }) => from);
    assert.deepEqual(closes, ["client", "server"]);
    assert.deepEqual([of("closed")[0].clean, of("closed")[0].began], [true, "client"]);
  });
}
