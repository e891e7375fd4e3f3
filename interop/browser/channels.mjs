// The view of channels: two windows hear each other, over every carrier; a line that is cut comes back with what was missed.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { openWindow, withTwoWindows } from "./window.mjs";

/** What the view calls each carrier. */
const CARRIERS = { websocket: "WebSocket", events: /^event stream/, poll: "long poll" };

const of = (browser, sentence) => `${browser.name}, channels: ${sentence}`;

/** Two windows talk, and one of them is cut off for a while. */
export async function checkTalking(browser, origin) {
  await check(of(browser, "what one window publishes, both show, with its place; each sees who is there"), () =>
    hears(browser, origin),
  );
  await check(of(browser, "a line that is cut comes back by itself, nothing is missing and nothing is there twice"), () =>
    recovers(browser, origin),
  );
}

/** `guarded` lets everybody hear, and alice alone publish, by her `token`. */
export async function checkChannels(browser, origin, guarded) {
  await checkTalking(browser, origin);
  // Side by side: requests are made again for 20 s before a line that is cut off counts as lost.
  await Promise.all(
    Object.keys(CARRIERS).map((carrier) =>
      check(of(browser, `they talk over ${carrier}, and it is cut and comes back, too`), () => goesBy(browser, origin, carrier)),
    ),
  );
  await check(of(browser, "what was said before is there page by page"), () => looksBack(browser, origin));
  await check(of(browser, "what is missing is told where it is missing, and what is kept of it is had"), () =>
    tellsGaps(browser, guarded.origins[0]),
  );
  await check(of(browser, "a channel that is none is told, with what to do"), () => isNone(browser, origin));
  await check(of(browser, "who has no right to publish is told which it is, and has it by a token"), () =>
    isAllowed(browser, guarded),
  );
  await check(of(browser, "it can be used by keyboard alone"), () => isKeyed(browser, origin));
}

/** Opens the view in a channel that nobody else uses. */
async function enter(window, channel) {
  await window.paste("channels-channel", channel);
  await window.click("channels-go");
  await window.sees("feed-title", channel);
  await window.sees("state-channels", /^open$/);
}

async function publish(window, text) {
  await window.paste("channels-input", text);
  await window.click("channels-publish");
}

/** The publications that are shown, as `offset text`. */
function shown(window) {
  return window.page.$$eval("[data-testid=channels-log] [data-offset]", (entries) =>
    entries.map((entry) => `${entry.dataset.offset} ${entry.querySelector(".log-what").innerText}`),
  );
}

async function shows(windows, expected) {
  for (const window of windows) {
    await until(`${expected.length} publications`, async () => (await shown(window)).length >= expected.length);
    assert.deepEqual(await shown(window), expected);
  }
}

/** In a channel of this browser's own: what another has said would be there, too. */
async function inTwo(browser, origin, name, happens) {
  const channel = `${name}-${browser.name}`;
  await withTwoWindows(browser, `${origin}/#channels`, async (first, second) => {
    for (const window of [first, second]) await enter(window, channel);
    await happens(first, second, channel);
  });
}

async function hears(browser, origin) {
  await inTwo(browser, origin, "demo:hears", async (first, second, channel) => {
    for (const window of [first, second]) {
      await window.sees("channels-count", /^2$/);
      await window.sees("channels-here", /you/);
      await window.sees("channels-carrier", "WebSocket");
    }
    await publish(first, "grüße, 世界 <b>&");
    await first.sees("channels-published", "Published at 1.");
    await publish(second, '{"speed": [1, null]}');
    await shows([first, second], ["1 grüße, 世界 <b>&", '2 {"speed":[1,null]}']);
    await second.sees("channels-position", /position 2 in epoch \S+/);
    const third = await openWindow(browser, `${origin}/#channels`);
    await third.type("channels-name", "Zoë");
    await enter(third, channel);
    await first.sees("channels-here", "Zoë");
    await first.sees("channels-count", /^3$/);
    // What was said before has come, too.
    await shows([third], ["1 grüße, 世界 <b>&", '2 {"speed":[1,null]}']);
    await third.close();
    await first.sees("channels-count", /^2$/);
  });
}

async function recovers(browser, origin) {
  await inTwo(browser, origin, "demo:recovers", async (first, second) => {
    await publish(second, "before");
    await shows([first, second], ["1 before"]);
    await cutAndRestore(first, second, 1);
    await first.sees("channels-log", /in the same session/);
    // Its own, which waited, may be among them.
    await first.sees("channels-log", /[34] were missed, and follow\./);
    const missed = await first.page.$$eval("[data-arrival=missed]", (entries) => entries.map((it) => it.innerText));
    for (const number of [1, 2, 3]) assert.ok(missed.some((text) => text.includes(`missed ${number}`)), missed.join());
    await first.sees("channels-count", /^2$/);
  });
}

/** Three publications of the second are missed by the first, whose own waits; `last` is the offset before them. */
async function cutAndRestore(first, second, last) {
  const before = await shown(first);
  await first.click("channels-cut");
  await first.sees("state-channels", /^cut$/);
  await publish(first, "while cut");
  await first.sees("channels-published", "1 waits for the line.");
  const missed = [1, 2, 3].map((number) => `missed ${number}`);
  for (const text of missed) await publish(second, text);
  await second.sees("channels-published", `Published at ${last + 3}.`);
  assert.deepEqual(await shown(first), before);
  await first.click("channels-cut");
  await first.sees("channels-published", `Published at ${last + 4}.`);
  const came = [...missed, "while cut"].map((text, index) => `${last + 1 + index} ${text}`);
  await shows([first, second], [...before, ...came]);
}

async function goesBy(browser, origin, carrier) {
  await inTwo(browser, origin, `demo:by-${carrier}`, async (first, second) => {
    await first.click(`carrier-${carrier}`);
    await first.sees("channels-carrier", CARRIERS[carrier]);
    await first.sees("state-channels", /^open$/);
    await publish(first, "from here");
    await publish(second, "from there");
    await first.sees("channels-log", "from there");
    await second.sees("channels-log", "from here");
    await cutAndRestore(first, second, 2);
    await first.sees("channels-carrier", CARRIERS[carrier]);
  });
}

async function looksBack(browser, origin) {
  const window = await openWindow(browser, `${origin}/#channels`);
  await enter(window, "demo:long");
  for (let number = 1; number <= 60; number += 1) {
    await window.paste("channels-input", `number ${number}`);
    await window.click("channels-publish");
    await window.sees("channels-published", `Published at ${number}.`);
  }
  await window.page.reload();
  await enter(window, "demo:long");
  await window.sees("channels-log", "number 60");
  assert.equal((await shown(window)).length, 50);
  await window.click("channels-earlier");
  await until("all sixty", async () => (await shown(window)).length === 60);
  assert.deepEqual(
    await shown(window),
    Array.from({ length: 60 }, (_, index) => `${index + 1} number ${index + 1}`),
  );
  assert.equal(await window.page.$("[data-testid=channels-earlier]"), null);
  await window.close();
}

async function tellsGaps(browser, origin) {
  await inTwo(browser, origin, "short:gaps", async (first, second) => {
    await publish(second, "before");
    await shows([first], ["1 before"]);
    await first.click("channels-cut");
    for (let number = 2; number <= 6; number += 1) {
      await publish(second, `number ${number}`);
      await second.sees("channels-published", `Published at ${number}.`);
    }
    await first.click("channels-cut");
    await first.sees("channels-gap", "2 to 6 are missing: some of them are kept no more.");
    await publish(second, "after");
    await shows([first], ["1 before", "7 after"]);
    await first.click("channels-fill");
    await shows([first], ["1 before", "5 number 5", "6 number 6", "7 after"]);
    await first.sees("channels-gap", "2 to 4 are missing");
    await first.sees("channels-count", "not told");
  });
}

async function isNone(browser, origin) {
  const window = await openWindow(browser, `${origin}/#channels`);
  await window.sees("state-channels", /^open$/);
  await window.type("channels-channel", "nowhere:lobby");
  await window.click("channels-go");
  await window.sees("channels-trouble", /no channel “nowhere:lobby”.*\[namespace\.nowhere\]/);
  await window.sees("state-channels", "open, not subscribed");
  await enter(window, "demo:lobby");
  await window.sees("channels-trouble", /^$/);
  await window.close();
}

async function isAllowed(browser, guarded) {
  const window = await openWindow(browser, `${guarded.origins[0]}/#channels`);
  await enter(window, "chat:lobby");
  await publish(window, "may I?");
  await window.sees("channels-refused", /no token.*“publish:chat:lobby”/);
  await window.type("channels-token", guarded.token);
  await enter(window, "chat:lobby");
  await window.sees("channels-refused", /^$/);
  await publish(window, "I may");
  await window.sees("channels-log", /alice:\s*I may/);
  await window.sees("channels-here", "alice");
  assert.deepEqual(await shown(window), ["1 alice:I may"]);
  // It is nowhere but in the memory of the page.
  const stored = await window.page.evaluate(() => JSON.stringify([localStorage, sessionStorage, location.href]));
  assert.ok(!stored.includes(guarded.token));
  await window.type("channels-token", "none-that-is-good");
  await window.click("channels-go");
  await window.sees("channels-trouble", /This token is not good here.*Give another/);
  await window.sees("state-channels", "closed");
  // The browser complains of the 401, and of nothing else.
  const other = window.complaints.filter((complaint) => !/401|WebSocket/.test(complaint));
  assert.deepEqual(other, []);
  await window.page.close();
}

async function isKeyed(browser, origin) {
  const window = await openWindow(browser, `${origin}/#echo`);
  const { keyboard } = window.page;
  const focused = () => window.page.evaluate(() => document.activeElement?.dataset.testid ?? "");
  const tabTo = (id) =>
    until(`the keyboard at ${id}`, async () => {
      if ((await focused()) === id) return true;
      await keyboard.press("Tab");
      return (await focused()) === id;
    });
  await tabTo("tab-echo");
  await keyboard.press("End");
  assert.equal(await focused(), "tab-channels");
  await window.sees("state-channels", /^open$/);
  await tabTo("channels-cut");
  await keyboard.press("Enter");
  await window.sees("state-channels", /^cut$/);
  await keyboard.press("Enter");
  await window.sees("state-channels", /^open$/);
  await keyboard.press("Tab");
  assert.equal(await focused(), "carrier-any");
  await keyboard.press("ArrowRight");
  await window.sees("channels-carrier", "WebSocket");
  await tabTo("channels-input");
  await keyboard.type("by keyboard");
  await keyboard.press("Enter");
  await window.sees("channels-log", "by keyboard");
  await tabTo("channels-channel");
  await keyboard.press("Control+A");
  await keyboard.type("demo:keys");
  await keyboard.press("Enter");
  await window.sees("feed-title", "demo:keys");
  await window.sees("state-channels", /^open$/);
  await window.close();
}
