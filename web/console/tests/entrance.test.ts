// How the page is let in, with a server made by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { enter, lineUrl, parseBridge, pathBelow } from "../src/bridge/entrance.ts";

const PLACE = { hash: "#the-ticket", pathname: "/", search: "?session=a" };
const BRIDGE = '{"kind":"terminal","route":"/line","ticket":true}';

/** A server that answers each method and path with a status and a text. */
function server(answers: Readonly<Record<string, [number, string?]>>) {
  const asked: string[] = [];
  const ask = async (to: string | URL | Request, init?: RequestInit) => {
    const what = `${init?.method ?? "GET"} ${String(to)}`;
    asked.push(init?.body === undefined ? what : `${what} ${String(init.body)}`);
    const [status, text] = answers[what] ?? [404];
    return new Response(status === 204 ? null : (text ?? ""), { status });
  };
  return { asked, ask: ask as typeof fetch };
}

test("a ticket is exchanged once, and leaves the address", async () => {
  const { asked, ask } = server({
    "POST /_tieline/ticket": [204],
    "GET /_tieline/ticket": [204],
    "GET ./bridge.json": [200, BRIDGE],
  });
  const addresses: string[] = [];
  const entered = await enter(PLACE, (address) => addresses.push(address), ask);
  assert.equal(entered.kind, "in");
  assert.deepEqual(addresses, ["/?session=a"]);
  assert.deepEqual(asked, [
    "POST /_tieline/ticket the-ticket",
    "GET ./bridge.json",
    "GET /_tieline/ticket",
  ]);
});

test("a ticket that was used does not matter to who has the cookie", async () => {
  const { ask } = server({
    "POST /_tieline/ticket": [403, "used"],
    "GET /_tieline/ticket": [204],
    "GET ./bridge.json": [200, BRIDGE],
  });
  assert.equal((await enter(PLACE, () => {}, ask)).kind, "in");
});

test("who has neither is told why", async () => {
  const used = server({
    "POST /_tieline/ticket": [403, "this ticket was used\n"],
    "GET /_tieline/ticket": [403],
    "GET ./bridge.json": [200, BRIDGE],
  });
  const without = server({ "GET /_tieline/ticket": [403], "GET ./bridge.json": [200, BRIDGE] });
  const why = await enter(PLACE, () => {}, used.ask);
  assert.deepEqual(why, { kind: "no ticket", why: "this ticket was used" });
  const entered = await enter({ ...PLACE, hash: "" }, () => {}, without.ask);
  assert.equal(entered.kind, "no ticket");
  assert.deepEqual(without.asked, ["GET ./bridge.json", "GET /_tieline/ticket"]);
});

test("a server that asks for no ticket is not asked about one", async () => {
  const open = BRIDGE.replace("true", "false");
  const { asked, ask } = server({ "GET ./bridge.json": [200, open] });
  assert.equal((await enter({ ...PLACE, hash: "" }, () => {}, ask)).kind, "in");
  assert.deepEqual(asked, ["GET ./bridge.json"]);
});

test("a server that is away is no reason to forget the ticket", async () => {
  const addresses: string[] = [];
  const away = (() => Promise.reject(new TypeError("away"))) as unknown as typeof fetch;
  const entered = await enter(PLACE, (address) => addresses.push(address), away);
  assert.deepEqual([entered.kind, addresses], ["failed", []]);
});

test("what stands behind the page is checked", () => {
  assert.equal(parseBridge(BRIDGE)?.route, "/line");
  for (const wrong of [
    "",
    "[]",
    "{}",
    '{"kind":"echo","route":"/x"}',
    '{"kind":"tail","route":"x"}',
  ]) {
    assert.equal(parseBridge(wrong), undefined, wrong);
  }
});

test("what lies below a route has its path, also where that is the root", () => {
  assert.equal(pathBelow("/line", "sessions"), "/line/sessions");
  assert.equal(pathBelow("/", "sessions"), "/sessions");
  assert.equal(pathBelow("/a/", "sessions"), "/a/sessions");
});

test("the address of a line has the page's host and its scheme", () => {
  const place = { host: "127.0.0.1:8080", protocol: "http:" };
  assert.equal(lineUrl(place, "/line"), "ws://127.0.0.1:8080/line");
  const url = lineUrl({ host: "x.test", protocol: "https:" }, "/line", {
    session: "a b",
    not: undefined,
  });
  assert.equal(url, "wss://x.test/line?session=a+b");
});
