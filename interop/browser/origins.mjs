// Who may open a line: the server's own page, one from disk where the route says so, nobody else.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { check, until } from "../harness/checks.mjs";
import { openWindow } from "./window.mjs";

const PAGE = new URL("../../web/console/dist/index.html", import.meta.url);

export async function checkOrigins(browser, byDefault, configured) {
  await check(`${browser.name}: a page opened from disk (origin null) gets 403 by default`, async () => {
    const window = await openFromDisk(browser, byDefault);
    await window.sees("state-echo", "closed: 1006");
    await until("a word about 403", () => window.complaints.some((complaint) => complaint.includes("403")));
    await window.page.close();
  });
  await check(`${browser.name}: a page opened from disk works where the route lists null`, async () => {
    const window = await openFromDisk(browser, configured);
    await window.sees("state-echo", "open");
    await window.type("echo-input", "from disk");
    await window.click("echo-send");
    await window.sees("echo-log", "from disk");
    await window.close();
  });
  await check(`${browser.name}: a page on another port gets 403, also where null is listed`, async () => {
    const elsewhere = createServer((_, response) => response.end("<!doctype html><title>elsewhere</title>"));
    await once(elsewhere.listen(0, "127.0.0.1"), "listening");
    const window = await openWindow(browser, `http://127.0.0.1:${elsewhere.address().port}/`);
    for (const server of [byDefault, configured]) {
      assert.equal(await window.page.evaluate(tryToOpen, server.ws("/echo")), 1006);
    }
    await until("two words about 403", () => window.complaints.filter((words) => words.includes("403")).length === 2);
    await window.page.close();
    elsewhere.close();
  });
}

function openFromDisk(browser, server) {
  assert(existsSync(fileURLToPath(PAGE)), "the page is not built");
  return openWindow(browser, `${PAGE}?server=${server.ws("")}#echo`);
}

/** Answers the close code, or "open"; runs in the page. */
function tryToOpen(url) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve("open");
    socket.onclose = (event) => resolve(event.code);
  });
}
