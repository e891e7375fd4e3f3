// Pages that may not come: one of another origin, and one that has bound its name to this machine.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { openWindow } from "../browser/window.mjs";
import { check } from "../harness/checks.mjs";
import { statusOf, UPGRADE } from "./by_hand.mjs";
import { openTerminal, startTerminal } from "./screen.mjs";

/** The name that leads here. */
export const REBOUND = "rebound.test";

export async function checkIntruders(browser) {
  const server = await startTerminal();
  const { host, port } = new URL(server.origin);
  const ticket = new URL(server.address).hash.slice(1);

  await check("a page of another origin opens nothing, even with the ticket", async () => {
    const elsewhere = createServer((_, response) => response.end("<!doctype html><title>elsewhere</title>"));
    await once(elsewhere.listen(0, "127.0.0.1"), "listening");
    const window = await openWindow(browser, `http://127.0.0.1:${elsewhere.address().port}/`);
    assert.equal(await window.page.evaluate(tryToOpen, `ws://${host}/line`), 1006);
    // Neither is it told anything, nor is the ticket used up.
    const told = await window.page.evaluate(tryToExchange, [`http://${host}/_tieline/ticket`, ticket]);
    assert.equal(told, "TypeError");
    await window.page.close();
    elsewhere.close();
  });
  await check("a page whose name was bound to 127.0.0.1 opens nothing", async () => {
    const origin = `http://${REBOUND}:${port}`;
    const window = await openWindow(browser, "about:blank");
    // What the page was before its name was bound anew.
    await window.page.route(`${origin}/bait`, (route) =>
      route.fulfill({ contentType: "text/html", body: "<!doctype html><title>bait</title>" }),
    );
    await window.page.goto(`${origin}/bait`);
    assert.equal(await window.page.evaluate(tryToOpen, `ws://${REBOUND}:${port}/line`), 1006);
    for (const path of ["/", "/bridge.json", "/line/sessions", "/_tieline/ticket"]) {
      assert.equal(await window.page.evaluate(async (it) => (await fetch(it)).status, path), 403, path);
    }
    assert.equal(await window.page.evaluate(tryToExchange, ["/_tieline/ticket", ticket]), 403);
    await window.page.close();
  });
  await check("requests written by hand open nothing: of whichever origin, name or cookie", async () => {
    const own = { Host: host, Origin: server.origin };
    for (const headers of [
      own,
      { Host: host },
      { Host: host, Origin: "null" },
      { Host: host, Origin: `http://${REBOUND}:${port}` },
      { Host: host, Origin: `${server.origin}.evil.test` },
      { Host: host, Origin: `http://localhost.evil.test:${port}` },
      { Host: `${REBOUND}:${port}`, Origin: `http://${REBOUND}:${port}` },
      { Host: `127.0.0.1.${REBOUND}:${port}` },
      { ...own, Cookie: `tieline-${port}=0123456789abcdef0123456789abcdef` },
      { ...own, Cookie: `tieline-${port}=${ticket}` },
      { ...own, Authorization: `Bearer ${ticket}` },
    ]) {
      const words = JSON.stringify(headers);
      for (const line of ["GET /line HTTP/1.1", `GET /line?ticket=${ticket} HTTP/1.1`]) {
        assert.equal(await statusOf(port, line, { ...headers, ...UPGRADE }), 403, `${line} ${words}`);
      }
      for (const path of ["/line/sessions", "/line/recordings", "/line/audit", "/line/recordings/x"]) {
        const close = { ...headers, Connection: "close" };
        assert.equal(await statusOf(port, `GET ${path} HTTP/1.1`, close), 403, `${path} ${words}`);
      }
    }
  });
  await check("after all of that nothing runs, and the ticket is still good", async () => {
    const terminal = await openTerminal(browser, server.address);
    const running = await terminal.page.evaluate(async () => (await fetch("/line/sessions")).json());
    assert.equal(running.length, 1);
    await terminal.close();
  });
  await check("with the cookie in the same browser a page of another origin opens nothing either", async () => {
    const other = await startTerminal();
    const terminal = await openTerminal(browser, other.address);
    const elsewhere = createServer((_, response) => response.end("<!doctype html><title>elsewhere</title>"));
    await once(elsewhere.listen(0, "127.0.0.1"), "listening");
    const page = await terminal.page.context().newPage();
    await page.goto(`http://127.0.0.1:${elsewhere.address().port}/`);
    assert.equal(await page.evaluate(tryToOpen, `ws://${new URL(other.origin).host}/line`), 1006);
    const told = await page.evaluate(async (url) => {
      const answer = await fetch(url, { mode: "no-cors", credentials: "include" });
      return answer.type;
    }, `${other.origin}/line/sessions`);
    assert.equal(told, "opaque", "nothing that it could read");
    const running = await terminal.page.evaluate(async () => (await fetch("/line/sessions")).json());
    assert.equal(running.length, 1);
    await page.close();
    elsewhere.close();
    await terminal.close();
    assert.equal(await other.stop(), 0);
  });
  assert.equal(await server.stop(), 0);
}

/** Answers the close code, or "open"; runs in the page. */
function tryToOpen(url) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve("open");
    socket.onclose = (event) => resolve(event.code);
  });
}

/** Answers the status, or the name of the error; runs in the page. */
async function tryToExchange([url, ticket]) {
  try {
    return (await fetch(url, { method: "POST", body: ticket })).status;
  } catch (error) {
    return error.name;
  }
}
