// The metrics on the operator's page: they follow what the server does, as charts and as a table.

import assert from "node:assert/strict";
import { OPERATOR_KEY } from "../gateway/server.mjs";
import { check, until } from "../harness/checks.mjs";
import { lookAt } from "./looks.mjs";
import { startWatched } from "./servers.mjs";
import { openWindow } from "./window.mjs";

export async function checkMetrics(browser) {
  const server = await startWatched();
  const [origin, operator] = server.origins;
  const page = `${operator}/`;
  const of = (sentence) => `${browser.name}, metrics: ${sentence}`;
  const talker = await openWindow(browser, `${origin}/#channels`);
  await talker.sees("state-channels", /^open$/);
  const say = async (text) => {
    await talker.type("channels-input", text);
    await talker.click("channels-publish");
    await talker.sees("channels-log", text);
  };
  // One after the other, whoever asks for it.
  let said = Promise.resolve();
  const publish = (text) => {
    said = said.then(() => say(text));
    return said;
  };
  await check(of("without a look at them the charts are not loaded"), () => isLazy(browser, page));
  await check(of("lines, sessions and publications are counted, in charts and in the table"), () =>
    counts(browser, page, publish),
  );
  await check(of("a page that is not looked at asks nothing"), () => rests(browser, page));
  await lookAt(browser, "the metrics", page, async (window, look) => {
    await open(window);
    await publish("to be seen");
    await window.sees("metric-publications", /published\s+[\d.]*[1-9]/);
    await until("charts", async () => (await window.page.$$(".chart canvas")).length === 8);
    await look("operator-metrics");
  });
  await talker.close();
  await server.stop();
}

async function openKeyed(browser, page) {
  const window = await openWindow(browser, page);
  await window.type("key", OPERATOR_KEY);
  await window.click("key-open");
  await window.sees("devices-count", "on line");
  return window;
}

async function open(window) {
  await window.type("key", OPERATOR_KEY);
  await window.click("key-open");
  await window.click("view-metrics");
}

async function isLazy(browser, page) {
  const window = await openKeyed(browser, page);
  const loaded = () =>
    window.page.evaluate(() => performance.getEntriesByType("resource").some(({ name }) => name.endsWith("/charts.js")));
  assert.equal(await loaded(), false);
  await window.click("view-metrics");
  await until("the charts", loaded);
  await window.close();
}

async function counts(browser, page, publish) {
  const window = await openWindow(browser, page);
  await open(window);
  await window.sees("metric-lines", /open\s+1\b/);
  await window.sees("metric-sessions", /sessions\s+1\b[\s\S]*subscriptions\s+1\b/);
  await window.sees("metric-publications", /published\s+0\/s/);
  await publish("counted");
  await window.sees("metric-publications", /published\s+0\.[1-9]/);
  await window.sees("metrics-table", /Publications, published\s+0\.[1-9]/);
  await window.sees("metrics-table", /Connections, open\s+1\s+1\s+1/);
  await until("charts with curves in them", () => window.page.$$eval(".chart canvas", areDrawn));
  await window.close();
}

/**
 * Whether each canvas has the first curve's colour somewhere, but that of the times: there was neither a ping nor a fan-out yet.
 * Runs in the page.
 */
function areDrawn(canvases) {
  const probe = document.body.appendChild(document.createElement("span"));
  probe.style.color = "var(--copper)";
  const copper = getComputedStyle(probe).color.match(/\d+/g).map(Number);
  probe.remove();
  const has = (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4) {
      if (copper.every((part, index) => data[at + index] === part)) return true;
    }
    return false;
  };
  const isOfTimes = (canvas) => canvas.closest("section").querySelector('[data-testid="metric-times"]') !== null;
  return canvases.length === 8 && canvases.every((canvas) => isOfTimes(canvas) || has(canvas));
}

async function rests(browser, page) {
  const window = await openWindow(browser, page);
  let asked = 0;
  window.page.on("request", (request) => {
    if (request.url().endsWith("/metrics")) asked += 1;
  });
  await open(window);
  await until("two requests", () => asked >= 2);
  await hide(window, true);
  const before = asked;
  await until("three intervals", later(6_500));
  assert.ok(asked <= before + 1, `${asked - before} requests while hidden`);
  await hide(window, false);
  await until("another request", () => asked > before);
  await window.close();
}

/** A headless page is never hidden by itself: it is told that it is. */
function hide(window, isHidden) {
  return window.page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}

/** Whether so many milliseconds have passed. */
function later(ms) {
  const due = Date.now() + ms;
  return () => Date.now() >= due;
}
