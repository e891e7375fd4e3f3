// A page over HTTP/2 in Chromium, whose WebSocket comes over the connection of the page.

import assert from "node:assert/strict";
import { join } from "node:path";
import { startChromium } from "../browser/browsers.mjs";
import { openWindow } from "../browser/window.mjs";
import { check } from "../harness/checks.mjs";
import { folder } from "../harness/tieline.mjs";
import { hearsOf, openByHttp1 } from "./http1.mjs";
import { requestsByHttp2 } from "./net_log.mjs";

const NET_LOG = join(folder, "net_log.json");

export async function checkChromium(origin) {
  const browser = await startChromium([`--log-net-log=${NET_LOG}`]);
  await check("Chromium: the page and what it loads come over h2", async () => {
    const window = await openWindow(browser, `${origin}/#echo`);
    const protocols = await window.page.evaluate(() =>
      performance
        .getEntries()
        .filter((entry) => ["navigation", "resource"].includes(entry.entryType))
        .map((entry) => entry.nextHopProtocol),
    );
    assert.ok(protocols.length > 0);
    assert.deepEqual([...new Set(protocols)], ["h2"]);
    await window.close();
  });
  await check("Chromium: text beyond ASCII comes back over h2", async () => {
    const window = await openWindow(browser, `${origin}/#echo`);
    await window.sees("state-echo", "open");
    await window.type("echo-input", "grüße, 世界");
    await window.click("echo-send");
    await window.sees("echo-log", "grüße, 世界");
    await window.close();
  });
  await check("Chromium: the page over h2 and a client over HTTP/1.1 count together", () => counts(browser, origin));
  await browser.close();
  await check("Chromium: each WebSocket was a CONNECT on a stream of the page's own connection, answered 200", () =>
    sharedTheConnection(origin),
  );
}

async function counts(browser, origin) {
  const window = await openWindow(browser, `${origin}/#counter`);
  await window.sees("counter-users", exactly(1));
  await window.sees("counter-value", exactly(0));
  const line = await openByHttp1(origin, "/counter");
  await hearsOf(line, "users", 2);
  await window.sees("counter-users", exactly(2));
  await window.click("counter-plus");
  await hearsOf(line, "state", 1);
  line.send('{"action":"minus"}');
  await hearsOf(line, "state", 0);
  await window.sees("counter-value", exactly(0));
  line.socket.close();
  await line.closed();
  await window.sees("counter-users", exactly(1));
  await window.close();
}

async function sharedTheConnection(origin) {
  const requests = requestsByHttp2(NET_LOG).filter(({ headers }) => headers[":authority"] === new URL(origin).host);
  const pages = requests.filter(({ headers }) => headers[":method"] === "GET" && headers[":path"] === "/");
  const lines = requests.filter(({ headers }) => headers[":protocol"] === "websocket");
  assert.ok(pages.length >= 3, `${pages.length} pages`);
  assert.deepEqual([...new Set(lines.map(({ headers }) => headers[":path"]))].sort(), ["/counter", "/echo"]);
  for (const { connection, headers, status } of lines) {
    assert.equal(headers[":method"], "CONNECT");
    assert.equal(status, "200");
    assert.ok(
      pages.some((page) => page.connection === connection),
      `a page on connection ${connection}`,
    );
  }
}

const exactly = (number) => new RegExp(`^\\D*${number}\\D*$`);
