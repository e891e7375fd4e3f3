// A terminal on the page: what stands on its screen, and what a person does there.

import { openWindow } from "../browser/window.mjs";
import { until } from "../harness/checks.mjs";
import { startBridge } from "../harness/tieline.mjs";

/** Without files of whoever runs this, and with a prompt that can be waited for. */
const BASH = ["bash", "--norc", "--noprofile"];

/** Starts `tieline terminal` with bash in it. */
export function startTerminal(flags = []) {
  return startBridge(["terminal", "--env", "PS1=ready> ", ...flags, "--", ...BASH]);
}

/** Opens an address in a window of its own, and waits for the prompt. */
export async function openTerminal(browser, address, options) {
  const terminal = screenOf(await openWindow(browser, address, options));
  await terminal.shows("ready>");
  return terminal;
}

/** The window with a terminal in it. */
export function screenOf(window) {
  const { page } = window;
  const terminal = {
    ...window,
    /** The rows that are in sight, without what is empty at their ends. */
    rows: () =>
      page.$$eval(":is(.screen-place:not([hidden]), .player) .xterm-rows > div", (rows) => rows.map((row) => row.textContent.trimEnd())),
    async shows(expected) {
      let seen = "";
      const matches = async () => {
        seen = (await terminal.rows()).join("\n");
        return typeof expected === "string" ? seen.includes(expected) : expected.test(seen);
      };
      await until(`${expected} on the screen`, matches).catch(() => {
        throw new Error(`the screen shows ${JSON.stringify(seen)}, and not ${expected}`);
      });
    },
    /** Types a line into the screen. */
    async enters(line) {
      await page.focus(".xterm-helper-textarea");
      await page.keyboard.type(line);
      await page.keyboard.press("Enter");
    },
    /** Rows and columns, as the program is told them. */
    async size() {
      // What is typed into a window whose line is not open yet goes nowhere.
      await until("what is on the screen", async () => (await terminal.rows()).some((row) => row !== ""));
      const mark = `size-${Math.random().toString(36).slice(2)}`;
      await terminal.enters(`clear; echo ${mark} $(stty size)`);
      await terminal.shows(new RegExp(`^${mark} \\d+ \\d+$`, "m"));
      const row = (await terminal.rows()).find((text) => new RegExp(`^${mark} \\d`).test(text));
      const [rows, columns] = row.split(" ").slice(1).map(Number);
      return { rows, columns };
    },
    /** The same address once more, in another tab that has the cookie. */
    async another(address = page.url()) {
      const tab = await page.context().newPage();
      await tab.goto(address);
      return screenOf({ ...window, page: tab, ...lookingAt(tab) });
    },
  };
  return terminal;
}

function lookingAt(page) {
  const selector = (id) => `[data-testid="${id}"]`;
  const text = async (id) => ((await page.$(selector(id))) ? page.$eval(selector(id), (it) => it.innerText) : "");
  return {
    text,
    click: async (id) => {
      await until(`a button ${id}`, () => page.$(`${selector(id)}:not([disabled])`));
      await page.click(selector(id));
    },
    sees: (id, expected) =>
      until(`${expected} in ${id}`, async () => {
        const seen = (await text(id)).trim();
        return typeof expected === "string" ? seen.includes(expected) : expected.test(seen);
      }),
  };
}
