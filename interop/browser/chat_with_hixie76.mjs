// A client of 2010 and a browser of today in the same chat.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { hears } from "../harness/line.mjs";
import { openHixie76 } from "../legacy/hixie76_line.mjs";
import { openWindow } from "./window.mjs";

const NAME = "127.0.0.1";

export async function checkChatWithHixie76(browser, server) {
  await check(`${browser.name}: chats with a real hixie-76 client`, async () => {
    const window = await openWindow(browser, `${server.origins[0]}/#chat`);
    await window.sees("chat-log", `Welcome, ${NAME} !`);
    const old = await openHixie76(server.ws("/chat"));
    await hears(old, `Welcome, ${NAME} !`);
    old.send("hello from 2010: grüße");
    await hears(old, `${NAME}:hello from 2010: grüße`);
    await window.sees("chat-log", "hello from 2010: grüße");
    await window.type("chat-input", "hello from today: 世界");
    await window.click("chat-send");
    await hears(old, `${NAME}:hello from today: 世界`);
    await window.sees("chat-log", "hello from today: 世界");
    assert.equal(await old.close(), "answered with FF 00");
    await window.close();
  });
}
