// Ordinary requests through the proxy, by Node's own client.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { check, within } from "../harness/checks.mjs";
import { residentMiB } from "./memory.mjs";
import { LARGE } from "./pages.mjs";

export async function checkHttp({ proxy, ws }) {
  const url = (path) => proxy.http(path);
  await check("HTTP: a page comes through, with the path, the query and who asked", async () => {
    const { headers, url: seen } = JSON.parse(await text(url("/ws/head?a=b&c=%20")));
    assert.equal(seen, "/ws/head?a=b&c=%20");
    const host = new URL(proxy.origins[0]).host;
    assert.equal(headers.host, host);
    assert.equal(headers["x-forwarded-for"], "127.0.0.1");
    assert.equal(headers["x-forwarded-proto"], "http");
    assert.equal(headers["x-forwarded-host"], host);
    assert.equal(headers.forwarded, `for=127.0.0.1;proto=http;host="${host}"`);
    assert.equal(headers.via, "1.1 tieline");
  });
  await check("HTTP: what a client says of itself is replaced, unless it is a trusted proxy", async () => {
    const claims = { "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", Forwarded: "for=203.0.113.9", "X-Real-IP": "203.0.113.9" };
    const stranger = JSON.parse(await text(url("/ws/head"), claims)).headers;
    assert.equal(stranger["x-forwarded-for"], "127.0.0.1");
    assert.equal(stranger["x-forwarded-proto"], "http");
    assert.equal(stranger["x-real-ip"], undefined);
    const trusted = JSON.parse(await text(url("/trusting/head"), claims)).headers;
    assert.equal(trusted["x-forwarded-for"], "203.0.113.9, 127.0.0.1");
    assert.equal(trusted["x-forwarded-proto"], "https");
    assert.equal(trusted.host, "inner.example");
  });
  await check("HTTP: a prefix is left out; a path that climbs is refused", async () => {
    assert.equal(JSON.parse(await text(url("/pages/deep/head"))).url, "/deep/head");
    const climbing = await open(url("/"), {}, "GET", "/pages/%2e%2e/head");
    assert.equal(climbing.statusCode, 400);
    climbing.resume();
  });
  await check("HTTP: headers between two neighbours are taken out, and the others stay as they are", async () => {
    const { headers } = await ask(url("/ws/hop"), { Connection: "close, X-Mine", "X-Mine": "1" });
    assert.equal(headers["x-hop"], undefined);
    assert.equal(headers["x-kept"], "1");
    assert.equal(headers["x-frame-options"], undefined);
    const seen = JSON.parse(await text(url("/ws/head"), { Connection: "close, X-Mine", "X-Mine": "1" })).headers;
    assert.equal(seen["x-mine"], undefined);
  });
  await check("HTTP: 404 of the upstream is the answer, and HEAD has its length and no body", async () => {
    const { status, body } = await ask(url("/ws/nothing"));
    assert.deepEqual([status, body], [404, "the upstream has no such page\n"]);
    const head = await ask(url("/ws/large"), {}, "HEAD");
    assert.deepEqual([head.status, head.headers["content-length"], head.body], [200, String(LARGE), ""]);
  });
  await check("HTTP: an answer comes piece by piece as it is made", () => pieces(url));
  await check("HTTP: 256 MiB up, chunked, and 256 MiB down pass in constant memory", async () => {
    const before = await residentMiB(proxy.pid);
    const upload = request(url("/ws/digest"), { method: "POST" });
    const answer = new Promise((resolve, reject) => upload.on("response", resolve).on("error", reject));
    const hash = createHash("sha256");
    const piece = Buffer.alloc(1 << 20, "tieline");
    for (let sent = 0; sent < 256; sent += 1) {
      hash.update(piece);
      if (!upload.write(piece)) await within(new Promise((resume) => upload.once("drain", resume)), "the proxy reads");
    }
    upload.end();
    assert.equal(JSON.parse(await read(await answer)).sha256, hash.digest("hex"));
    let got = 0;
    for await (const data of await open(url("/ws/large"))) got += data.length;
    assert.equal(got, LARGE);
    const grown = (await residentMiB(proxy.pid)) - before;
    assert.ok(grown < 16, `${grown} MiB more than before`);
  });
  await check("HTTP: connections are kept alive on both sides", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = ws.connections();
    const reused = [];
    for (let time = 0; time < 3; time += 1) {
      const asked = request(url("/ws/head"), { agent }).end();
      const [response] = await within(once(asked, "response"), "an answer");
      assert.match(await read(response), /"name":"ws"/);
      reused.push(asked.reusedSocket);
    }
    assert.deepEqual(reused, [false, true, true]);
    assert.ok(ws.connections() - before <= 1, `${ws.connections() - before} connections to the upstream`);
    agent.destroy();
  });
  await check("HTTP: a page of another site may not post here, and the upstream is not asked", async () => {
    const { status } = await ask(url("/ws/digest"), { Origin: "https://elsewhere.example" }, "POST");
    assert.equal(status, 403);
  });
}

async function pieces(url) {
  const name = { "X-Name": "pieces" };
  const answer = await open(url("/ws/pieces"), name);
  assert.equal(answer.headers["referrer-policy"], "origin");
  const data = answer[Symbol.asyncIterator]();
  assert.equal(String((await within(data.next(), "the first piece")).value), "data: first\n\n");
  await text(url("/ws/go-on"), name);
  assert.equal(String((await within(data.next(), "the last piece")).value), "data: last\n\n");
}

/** `path` is asked for as it is written: an URL would be made plain. */
function open(url, headers = {}, method = "GET", path = undefined) {
  return within(
    new Promise((resolve, reject) => {
      request(url, { headers, method, ...(path && { path }) }).on("response", resolve).on("error", reject).end();
    }),
    `an answer to ${url}`,
  );
}

/** Asks; answers status, headers and body. */
export async function ask(url, headers = {}, method = "GET") {
  const response = await open(url, headers, method);
  return { status: response.statusCode, headers: response.headers, body: await read(response) };
}

async function text(url, headers = {}) {
  return read(await open(url, headers));
}

async function read(response) {
  return Buffer.concat(await within(response.toArray(), "the whole answer")).toString();
}
