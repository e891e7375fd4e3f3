// Pages over each carrier: in a worker, of another origin, and when the network comes back.

import assert from "node:assert/strict";
import { openWindow } from "../browser/window.mjs";
import { check, until } from "../harness/checks.mjs";
import { PASS, startProxy } from "../harness/proxy.mjs";
import { pages } from "./site.mjs";

const CARRIERS = ["websocket", "stream", "events", "poll"];

export async function checkPages(chromium, server, elsewhere, stranger) {
  const home = await startProxy(server.port, () => PASS, pages);
  const open = (origin, more) => openWindow(chromium, `${origin}/?${new URLSearchParams(more)}`);
  const over = (carrier, more = {}) => ({ options: JSON.stringify({ carriers: [carrier], ...more }) });
  let rooms = 0;

  const chats = async (window, carrier) => {
    await window.sees("state", "subscribed");
    await window.sees("carrier", carrier);
    await window.type("text", "grüße, 世界");
    await window.click("say");
    await window.sees("said", "grüße, 世界");
  };
  const room = () => {
    rooms += 1;
    return `chat:room-${rooms}`;
  };

  for (const carrier of CARRIERS) {
    // Workers have no EventSource in some browsers; this one has.
    await check(`in a worker: ${carrier}`, async () => {
      const window = await open(home.origin, { ...over(carrier), channel: room(), worker: "" });
      await chats(window, carrier);
      await window.close();
    });
    await check(`a page of another origin that may: ${carrier}`, async () => {
      const window = await open(elsewhere.origin, { ...over(carrier), channel: room(), url: server.http("/tieline") });
      await chats(window, carrier);
      await window.close();
    });
    await check(`a page of another origin that may not: ${carrier}`, async () => {
      const window = await open(stranger.origin, { ...over(carrier), channel: room(), url: server.http("/tieline") });
      await window.sees("state", "disconnected");
      assert.equal(await window.text("carrier"), "");
      await window.page.close();
    });
    await check(`when the network is there again the page is at once: ${carrier}`, async () => {
      // It would wait for an hour by itself.
      const patient = { baseMs: 7_200_000, maxMs: 7_200_000, silentMs: 200, answerWithinMs: 200 };
      const window = await open(home.origin, { ...over(carrier, patient), channel: room() });
      await window.sees("state", "subscribed");
      await window.page.context().setOffline(true);
      home.cut();
      await window.sees("state", "disconnected");
      await window.page.context().setOffline(false);
      await chats(window, carrier);
      await window.page.close();
    });
  }

  await check("no secret stands in an address", async () => {
    const addresses = [];
    const page = await chromium.newPage();
    page.on("request", (request) => addresses.push(request.url()));
    const secrets = [];
    page.on("response", async (response) => {
      if (response.url().endsWith("/open")) secrets.push((await response.json()).secret);
    });
    const query = new URLSearchParams({ ...over("events"), channel: room() });
    await page.goto(`${home.origin}/?${query}`);
    await until("a line is open", () => secrets.length > 0 && addresses.some((address) => address.includes("/events?")));
    assert.ok(secrets[0].length >= 22);
    assert.ok(!addresses.some((address) => address.includes(secrets[0])));
    await page.close();
  });
  home.close();
}
