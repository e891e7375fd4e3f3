// A window with the page in it: what a person does there, and what they see.

import assert from "node:assert/strict";
import { until } from "../harness/checks.mjs";

const selector = (id) => `[data-testid="${id}"]`;

/** Opens an address, and writes down everything that the browser complains about. */
export async function openWindow(browser, address, options) {
  const page = await browser.newPage(options);
  const complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(address);

  const exists = (id) => page.$(selector(id));
  const text = async (id) => ((await exists(id)) ? page.$eval(selector(id), (element) => element.innerText) : "");
  return {
    page,
    complaints,
    text,
    async click(id) {
      await until(`a button ${id}`, () => page.$(`${selector(id)}:not([disabled])`));
      await page.click(selector(id));
    },
    /** Types in place of what stands in the field. */
    async type(id, what) {
      await until(`a field ${id}`, () => exists(id));
      await page.$eval(selector(id), (field) => {
        field.focus();
        field.select();
      });
      await page.keyboard.press("Backspace");
      await page.type(selector(id), what);
    },
    /** The same all at once, as pasted: for what is long, or much. */
    async paste(id, what) {
      await until(`a field ${id}`, () => exists(id));
      await page.$eval(
        selector(id),
        (field, text) => {
          field.focus();
          field.select();
          document.execCommand("insertText", false, text);
        },
        what,
      );
    },
    /** Waits until the element's text holds a string, or matches an expression. */
    async sees(id, expected) {
      let seen = "";
      const matches = async () => {
        seen = (await text(id)).trim();
        return typeof expected === "string" ? seen.includes(expected) : expected.test(seen);
      };
      await until(id, matches).catch(() => {
        throw new Error(`${id} shows ${JSON.stringify(seen)}, and not ${expected}`);
      });
    },
    /** Closes the window, and fails if anything in it was complained about. */
    async close() {
      await page.close();
      assert.deepEqual(complaints, []);
    },
  };
}

/** Opens the same address in two windows, runs what happens between them, and closes both. */
export async function withTwoWindows(browser, address, happens) {
  const windows = [await openWindow(browser, address), await openWindow(browser, address)];
  await happens(...windows);
  for (const window of windows) await window.close();
}
