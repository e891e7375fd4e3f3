// A real client of hixie-76: echo, the demos beside modern clients, closing from both sides, refusal.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { closesWith, hears, openLine } from "../harness/line.mjs";
import { load } from "../harness/tieline.mjs";
import { interpreter, openHixie76 } from "./hixie76_line.mjs";

const { WebSocket } = load("ws");
const NAME = "127.0.0.1";
const WELCOME = `Welcome, ${NAME} !`;

export async function checkHixie76(tolerant, strict) {
  await check(`hixie-76: text comes back, and FF 00 is answered with FF 00 (${interpreter().name})`, async () => {
    const line = await openHixie76(tolerant.ws("/echo"));
    for (const text of ["grüße, 世界, 🦀", "", "x".repeat(100_000)]) {
      line.send(text);
      await hears(line, text);
    }
    assert.equal(await line.close(), "answered with FF 00");
  });
  await check("hixie-76: twenty handshakes, each with keys of its own, succeed", async () => {
    for (let count = 0; count < 20; count += 1) {
      const line = await openHixie76(tolerant.ws("/echo"));
      assert.equal(await line.close(), "answered with FF 00");
    }
  });
  await check("hixie-76: counts together with a modern client", () => counts(tolerant.ws("/counter")));
  await check("hixie-76: chats with a modern client, and quit closes its line", () => chats(tolerant.ws("/chat")));
  await check("hixie-76: a path that is no route gets 404", async () => {
    assert.match(await refusal(tolerant.ws("/nowhere")), /Status 404/);
  });
  await check("hixie-76: is refused with an HTTP error where drafts are off", async () => {
    assert.match(await refusal(strict.ws("/echo")), /Status 4\d\d/);
  });
}

async function counts(url) {
  const modern = await openLine(new WebSocket(url));
  await hears(modern, '{"type":"users","count":1}', '{"type":"state","value":0}');
  const old = await openHixie76(url);
  await hears(old, '{"type":"users","count":2}', '{"type":"state","value":0}');
  await hears(modern, '{"type":"users","count":2}');
  old.send('{"action":"plus"}');
  await hears(old, '{"type":"state","value":1}');
  await hears(modern, '{"type":"state","value":1}');
  modern.send('{"action":"minus"}');
  await hears(old, '{"type":"state","value":0}');
  assert.equal(await old.close(), "answered with FF 00");
  await hears(modern, '{"type":"state","value":0}', '{"type":"users","count":1}');
  await closesWith(modern, 1000);
}

async function chats(url) {
  const modern = await openLine(new WebSocket(url));
  const old = await openHixie76(url);
  await hears(modern, WELCOME, WELCOME);
  await hears(old, WELCOME);
  old.send("from 2010: grüße");
  modern.send("from today: 世界");
  const said = [`${NAME}:from 2010: grüße`, `${NAME}:from today: 世界`];
  for (const line of [old, modern]) {
    assert.deepEqual([await line.next(), await line.next()].sort(), said);
  }
  old.send("quit");
  await hears(old, `${NAME} Logout`);
  assert.equal(await old.closed(), "by the server");
  await hears(modern, `${NAME} Logout`);
  await closesWith(modern, 1000);
}

function refusal(url) {
  return openHixie76(url).then(
    () => "let in",
    (refused) => refused.message,
  );
}
