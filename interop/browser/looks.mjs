// How the page looks, wide and narrow, light and dark: screenshots to look at, and no sideways scrolling.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { check } from "../harness/checks.mjs";
import { folder } from "../harness/tieline.mjs";
import { openWindow } from "./window.mjs";

const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 360, height: 740 } };
const DEMOS = ["echo", "counter", "chat", "room"];

export async function checkLooks(browser, origin) {
  const screenshots = join(folder, "screenshots");
  mkdirSync(screenshots, { recursive: true });
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      await check(`${browser.name}, ${viewport.width} px, ${colorScheme}: nothing scrolls sideways`, async () => {
        const window = await openWindow(browser, `${origin}/`, { viewport, colorScheme });
        for (const demo of DEMOS) {
          await use(window, demo);
          await window.page.screenshot({
            path: join(screenshots, `${size}-${colorScheme}-${demo}.png`),
            fullPage: true,
          });
          assert.equal(await window.page.evaluate(overhang), 0, demo);
        }
        await window.close();
      });
    }
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
  const words =
    "Somebody says something that is rather long for a small telephone, with a word/without/a/place/to/break/it.";
  await window.type(`${demo}-input`, words);
  await window.click(`${demo}-send`);
  await window.sees(`${demo}-log`, "Somebody says");
}

/** Pixels that the document is wider than its window; runs in the page. */
function overhang() {
  return document.documentElement.scrollWidth - document.documentElement.clientWidth;
}
