// A page that chats while one way after the other is blocked: nothing is lost, and nothing comes twice.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { openWindow } from "../browser/window.mjs";
import { Tieline } from "../../web/sdk/dist/index.js";
import { check, until } from "../harness/checks.mjs";
import { PASS, startProxy } from "../harness/proxy.mjs";
import { load } from "../harness/tieline.mjs";
import { pages } from "./site.mjs";

const { WebSocket } = load("ws");

/** How each way is blocked: refused, held back as by a proxy that buffers, and cut. */
const BLOCKED = {
  websocket: { times: 0 },
  stream: { bytes: 0, isSwallowed: true },
  events: { bytes: 0 },
};

const IN_A_HURRY = {
  connectWithinMs: 1_500,
  silentMs: 500,
  answerWithinMs: 500,
  climbAfterMs: [300],
  baseMs: 50,
  maxMs: 500,
};

export async function checkBlocked(chromium, server) {
  const blocked = new Set();
  const wayOf = ({ kind, path }) => (kind === "websocket" ? kind : /\/(\w+)\?/.exec(path)?.[1]);
  const isBlocked = (exchange) => blocked.has(wayOf(exchange));
  const judge = (exchange) => ({ ...PASS, ...(isBlocked(exchange) ? BLOCKED[wayOf(exchange)] : {}) });
  const proxy = await startProxy(server.port, judge, pages);
  const block = (way) => {
    blocked.add(way);
    proxy.cut(isBlocked);
  };

  const bob = new Tieline(server.ws("/tieline"), { WebSocket });
  const room = bob.channel("chat:lobby");
  const heard = [];
  room.on("publication", ({ data }) => heard.push(data));
  await room.subscribe();
  const query = new URLSearchParams({ options: JSON.stringify(IN_A_HURRY) });
  const window = await openWindow(chromium, `${proxy.origin}/?${query}`);
  await window.sees("state", "subscribed");

  const session = await window.text("client");

  // Both talk all the while.
  let isOver = false;
  const said = { alice: 0, bob: 0 };
  const talking = Promise.all([
    talk((text) => window.page.evaluate((words) => window.chat.say(words), text), "alice"),
    talk((text) => room.publish(text), "bob"),
  ]);
  async function talk(say, who) {
    const saying = [];
    while (!isOver) {
      saying.push(say(`${who} ${said[who]}`));
      said[who] += 1;
      await sleep(40);
    }
    await Promise.all(saying);
  }

  const chatsOver = async (carrier) => {
    await window.sees("carrier", new RegExp(`^${carrier}$`));
    const [from, to] = [`by ${carrier}, from the page`, `by ${carrier}, to the page`];
    await window.type("text", from);
    await window.click("say");
    await room.publish(to);
    await until(`bob hears ${from}`, () => heard.includes(from));
    await window.sees("said", to);
  };

  await check("Chromium: the page chats over WebSocket", () => chatsOver("websocket"));
  await check("WebSocket is blocked: the page chats over a stream", async () => {
    block("websocket");
    await chatsOver("stream");
  });
  await check("streams are held back, too: it chats over EventSource", async () => {
    block("stream");
    await chatsOver("events");
  });
  await check("EventSource is cut, too: it chats over long polls", async () => {
    block("events");
    await chatsOver("poll");
  });
  await check("WebSocket is let through again: it goes up by itself", async () => {
    blocked.delete("websocket");
    await chatsOver("websocket");
  });
  await check("EventSource is let through again, and WebSocket blocked: it goes down again", async () => {
    blocked.delete("events");
    block("websocket");
    await chatsOver("events");
    blocked.clear();
    await chatsOver("websocket");
  });
  await check("in one session: no message was lost, none came twice, and all are in order, on the page and elsewhere", async () => {
    isOver = true;
    await talking;
    assert.equal(await window.text("client"), session);
    const { position } = await room.publish("the end");
    await until("bob is at the end", () => heard.at(-1) === "the end");
    await window.sees("said", "the end");
    const shown = await window.page.$$eval("li", (items) => items.map((item) => item.textContent));
    assert.equal(heard.length, position.offset);
    assert.deepEqual(shown.slice(shown.indexOf(heard[0])), heard);
    for (const [who, count] of Object.entries(said)) {
      const words = heard.filter((text) => text.startsWith(`${who} `));
      assert.deepEqual(
        words,
        Array.from({ length: count }, (_, number) => `${who} ${number}`),
      );
    }
    assert.ok(said.alice > 50 && said.bob > 50, JSON.stringify(said));
  });
  await window.page.close();
  bob.close();
  proxy.close();
}
