// The four demos of the page, in two windows of a browser.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { openWindow, withTwoWindows } from "./window.mjs";

export async function checkDemos(browser, origin) {
  const over = `${browser.name}, over ${origin.startsWith("https") ? "wss" : "ws"}`;
  await check(`${over}: what is typed into the echo comes back, and both frames are shown`, () =>
    echoes(browser, origin),
  );
  await check(`${over}: two windows count together and see each other come and go`, () => counts(browser, origin));
  await check(`${over}: two windows chat`, () => chats(browser, origin));
  await check(`${over}: two windows meet in the room, and markup is shown as it was typed`, () =>
    meets(browser, origin),
  );
}

async function echoes(browser, origin) {
  const window = await openWindow(browser, `${origin}/#echo`);
  await window.sees("state-echo", "open");
  await window.type("echo-input", "grüße, 世界");
  await window.click("echo-send");
  await window.sees("echo-log", "grüße, 世界");
  for (const direction of ["sent", "received"]) {
    const rows = `[data-testid="frames-echo"] [data-direction="${direction}"]`;
    const shown = await window.page.$$eval(rows, (elements) => elements.map((element) => element.innerText).join("\n"));
    assert.match(shown, /grüße, 世界/, direction);
  }
  await window.click("tab-counter");
  await window.sees("state-counter", "open");
  await window.close();
}

async function counts(browser, origin) {
  const alone = await openWindow(browser, `${origin}/#counter`);
  await alone.sees("counter-value", /^-?\d+$/);
  const start = Number(await alone.text("counter-value"));
  await alone.sees("counter-users", exactly(1));
  await withTwoWindows(browser, `${origin}/#counter`, async (first, second) => {
    for (const window of [alone, first, second]) await window.sees("counter-users", exactly(3));
    await first.click("counter-plus");
    for (const window of [alone, first, second]) await window.sees("counter-value", exactly(start + 1));
    await second.click("counter-minus");
    await second.click("counter-minus");
    for (const window of [alone, first, second]) await window.sees("counter-value", exactly(start - 1));
    await alone.click("counter-plus");
    for (const window of [alone, first, second]) await window.sees("counter-value", exactly(start));
  });
  await alone.sees("counter-users", exactly(1));
  await alone.close();
}

async function chats(browser, origin) {
  await withTwoWindows(browser, `${origin}/#chat`, async (first, second) => {
    await first.sees("chat-log", /(Welcome, 127\.0\.0\.1 ![\s\S]*){2}/);
    await first.type("chat-input", "from the first: 世界");
    await first.click("chat-send");
    await second.type("chat-input", "from the second");
    await second.click("chat-send");
    for (const window of [first, second]) {
      await window.sees("chat-log", "from the first: 世界");
      await window.sees("chat-log", "from the second");
    }
    await second.type("chat-input", "quit");
    await second.click("chat-send");
    await second.sees("state-chat", "1000");
    await first.sees("chat-log", "127.0.0.1 Logout");
  });
}

async function meets(browser, origin) {
  await withTwoWindows(browser, `${origin}/#room`, async (first, second) => {
    for (const window of [first, second]) await window.sees("room-uid", /\w/);
    assert.notEqual(await first.text("room-uid"), await second.text("room-uid"));
    await first.type("room-input", "<b>bold?</b> & 世界");
    await first.click("room-send");
    for (const window of [first, second]) await window.sees("room-log", "<b>bold?</b> & 世界");
  });
}

function exactly(number) {
  return new RegExp(`^${number}$`);
}
