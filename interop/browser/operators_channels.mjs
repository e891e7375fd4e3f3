// The channels on the operator's page: those of the demos among them, and who is there.

import assert from "node:assert/strict";
import { OPERATOR_KEY } from "../gateway/server.mjs";
import { check } from "../harness/checks.mjs";
import { lookAt } from "./looks.mjs";
import { startWatched } from "./servers.mjs";
import { openWindow } from "./window.mjs";

export async function checkOperatorsChannels(browser) {
  const server = await startWatched();
  const [origin, operator] = server.origins;
  const page = `${operator}/`;
  await check(`${browser.name}, operator: channels are listed, and who comes and goes there is seen`, () =>
    lists(browser, origin, page),
  );
  const guest = await openWindow(browser, `${origin}/#chat`);
  await guest.sees("state-chat", "open");
  await lookAt(browser, "the operator's channels", page, async (window, look) => {
    await open(window);
    await window.click("channel-chat:/chat");
    await window.sees("channel-members", "127.0.0.1");
    await look("operator-channels");
  });
  await guest.close();
  await server.stop();
}

async function lists(browser, origin, page) {
  const window = await openWindow(browser, page);
  await open(window);
  await window.sees("channels-heard", /^0 heard$/);
  const guests = [await openWindow(browser, `${origin}/#chat`), await openWindow(browser, `${origin}/#chat`)];
  await window.sees("channel-chat:/chat", "2 lines");
  await window.click("channel-chat:/chat");
  await window.sees("channel-name", "chat:/chat");
  await window.sees("channel-count", /^2 there$/);
  await window.sees("channel-members", /^127\.0\.0\.1\s+127\.0\.0\.1$/);
  const talker = await openWindow(browser, `${origin}/#channels`);
  await talker.sees("state-channels", /^open$/);
  await window.click("channel-demo:lobby");
  await window.sees("channel-count", "not told");
  await talker.close();
  await window.click("channel-chat:/chat");
  await guests[0].close();
  await window.sees("channel-count", /^1 there$/);
  await guests[1].close();
  await window.sees("channels-heard", /^0 heard$/);
  // The browser complains of the 404 of those that are not told of, once, and of nothing else.
  assert.equal(window.complaints.filter((complaint) => complaint.includes("404")).length, 1);
  assert.equal(window.complaints.length, 1);
  await window.page.close();
}

async function open(window) {
  await window.type("key", OPERATOR_KEY);
  await window.click("key-open");
  await window.click("view-channels");
}
