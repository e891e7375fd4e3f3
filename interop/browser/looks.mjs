// How the pages look, wide and narrow, light and dark: screenshots to look at, and no sideways scrolling.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { check } from "../harness/checks.mjs";
import { folder } from "../harness/tieline.mjs";
import { openWindow } from "./window.mjs";

const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 360, height: 740 } };
const DEMOS = ["echo", "counter", "chat", "room", "rpc", "channels"];

/** Long, with a word that can be broken nowhere. */
export const WORDS =
  "Somebody says something that is rather long for a small telephone, with a word/without/a/place/to/break/it.";

export async function checkLooks(browser, origin) {
  await lookAt(browser, "the demos", `${origin}/`, async (window, look) => {
    for (const demo of DEMOS) {
      await use(window, demo);
      await look(demo);
    }
  });
}

/** Opens a page in each size, in both colours side by side; `use` says when to look at it, and how that state of it is called. */
export async function lookAt(browser, what, address, use) {
  const screenshots = join(folder, "screenshots");
  mkdirSync(screenshots, { recursive: true });
  for (const [size, viewport] of Object.entries(SIZES)) {
    const inColour = (colorScheme) => {
      const where = `${browser.name}, ${viewport.width} px, ${colorScheme}`;
      return check(`${where}: of ${what} nothing scrolls sideways`, async () => {
        const window = await openWindow(browser, address, { viewport, colorScheme });
        await use(window, async (state) => {
          const path = join(screenshots, `${size}-${colorScheme}-${state}.png`);
          await window.page.screenshot({ path, fullPage: true });
          assert.equal(await window.page.evaluate(overhang), 0, state);
        });
        await window.close();
      });
    };
    await Promise.all(["light", "dark"].map(inColour));
  }
}

/** Says something, so that there is something to see. */
async function use(window, demo) {
  await window.click(`tab-${demo}`);
  await window.sees(`state-${demo}`, "open");
  if (demo === "counter") {
    await window.click("counter-plus");
    await window.sees("frames-counter", "plus");
    return;
  }
  if (demo === "channels") {
    for (const text of [WORDS, JSON.stringify({ words: WORDS })]) {
      await window.paste("channels-input", text);
      await window.click("channels-publish");
    }
    await window.sees("channels-log", '{"words":"Somebody says');
    return;
  }
  if (demo === "rpc") {
    await window.type("rpc-method", "demo_echo");
    await window.paste("rpc-params", JSON.stringify([WORDS]));
    await window.click("rpc-call");
  } else {
    await window.paste(`${demo}-input`, WORDS);
    await window.click(`${demo}-send`);
  }
  await window.sees(`${demo}-log`, "Somebody says");
}

/** Pixels that the document is wider than its window; runs in the page. */
function overhang() {
  return document.documentElement.scrollWidth - document.documentElement.clientWidth;
}
