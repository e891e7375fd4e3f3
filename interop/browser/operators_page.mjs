// The operator's page: who is there, a message to one of them, and an end to it.

import assert from "node:assert/strict";
import { newId, register } from "../gateway/device.mjs";
import { OPERATOR_KEY } from "../gateway/server.mjs";
import { check } from "../harness/checks.mjs";
import { closesWith } from "../harness/line.mjs";
import { lookAt, WORDS } from "./looks.mjs";
import { openWindow } from "./window.mjs";

/** `server` is a gateway whose second origin is the operator's side. */
export async function checkOperatorsPage(browser, server) {
  const page = `${server.origins[1]}/`;
  await check(`${browser.name}, operator: with another key nobody hears of devices, and it is said why`, () =>
    refuses(browser, page),
  );
  const line = await register(server);
  const other = await register(server);
  await check(`${browser.name}, operator: devices are listed, and who leaves is away`, () =>
    lists(browser, page, server, line),
  );
  await check(`${browser.name}, operator: a message reaches the one device that it is for`, () =>
    sends(browser, page, line, other),
  );
  await check(`${browser.name}, operator: a message to a device that is away waits, and shows`, () =>
    stores(browser, page, server),
  );
  await check(`${browser.name}, operator: a device is disconnected, and another is forgotten once it is asked twice`, () =>
    ends(browser, page, line, other),
  );
  const id = newId().padStart(128, "a-rather-long-name-");
  const long = await register(server, { id });
  await lookAt(browser, "the operator's page", page, async (window, look) => {
    await look("operator-key");
    await open(window);
    await window.click(`device-${id}`);
    await window.type("message", WORDS);
    await window.click("message-send");
    await window.sees("deeds", /delivered$/);
    assert.equal(await long.next(), `NF#${WORDS}`);
    await look("operator-devices");
  });
  assert.equal(await server.stop(), 0);
}

async function refuses(browser, page) {
  const window = await openWindow(browser, page);
  await window.type("key", "another-key");
  await window.click("key-open");
  await window.sees("key-problem", /\bkey\b/);
  assert.equal(await window.page.$('[data-testid="devices-count"]'), null);
  // The browser complains of the 401, and of nothing else.
  assert.deepEqual(window.complaints.filter((complaint) => !complaint.includes("401")), []);
  await window.page.close();
}

async function lists(browser, page, server, line) {
  const window = await openDesk(browser, page);
  await window.sees("devices-count", "2 of 2 on line");
  await window.sees(`device-${line.id}`, /^\S+\s+on line$/);
  const third = await register(server);
  await window.sees("devices-count", "3 of 3 on line");
  await closesWith(third, 1000);
  await window.sees(`device-${third.id}`, "away");
  await window.sees("devices-count", "2 of 3 on line");
  await window.click(`device-${line.id}`);
  await window.sees("device-name", line.id);
  await window.close();
}

async function sends(browser, page, line, other) {
  const window = await openDesk(browser, page);
  for (const [to, text] of [
    [line, "für dich: # und <b>mehr</b>"],
    [other, "and for you"],
  ]) {
    await window.click(`device-${to.id}`);
    await window.sees("device-name", to.id);
    await window.type("message", text);
    await window.click("message-send");
    await window.sees("deeds", `“${text}”`);
    await window.sees("deeds", /delivered$/);
    assert.equal(await to.next(), `NF#${text}`);
  }
  await window.close();
}

async function stores(browser, page, server) {
  const away = await register(server);
  await closesWith(away, 1000);
  const window = await openDesk(browser, page);
  await window.sees(`device-${away.id}`, "away");
  await window.click(`device-${away.id}`);
  await window.type("message", "for later");
  await window.click("message-send");
  await window.sees("deeds", /stored$/);
  await window.sees(`device-${away.id}`, "1 waiting");
  const back = await register(server, { id: away.id });
  assert.equal(await back.next(), "NF#for later");
  await window.sees(`device-${away.id}`, /^\S+\s+on line$/);
  await window.close();
}

async function ends(browser, page, line, other) {
  const window = await openDesk(browser, page);
  await window.click(`device-${line.id}`);
  await window.click("disconnect");
  assert.equal((await line.closed()).code, 1012);
  await window.sees(`device-${line.id}`, "away");
  await window.click(`device-${other.id}`);
  await window.click("forget-ask");
  assert.equal(await window.page.$eval('[data-testid="deeds"]', (log) => /forget/.test(log.innerText)), false);
  await window.click("forget");
  assert.equal((await other.closed()).code, 1008);
  await window.sees("deeds", "its registration and inbox are gone");
  await window.sees(`device-${other.id}`, /^$/);
  await window.close();
}

async function openDesk(browser, page) {
  const window = await openWindow(browser, page);
  await open(window);
  return window;
}

async function open(window) {
  await window.type("key", OPERATOR_KEY);
  await window.click("key-open");
  await window.sees("devices-count", "on line");
}
