// How every view of the page looks, wide and narrow, light and dark.

import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWindow } from "../browser/window.mjs";
import { check, until } from "../harness/checks.mjs";
import { folder, startTieline } from "../harness/tieline.mjs";
import { screenOf } from "./screen.mjs";

const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 360, height: 740 } };
// A sample has each size and each theme once.
const SCHEMES = process.env.SAMPLE
  ? { wide: ["light"], narrow: ["dark"] }
  : { wide: ["light", "dark"], narrow: ["light", "dark"] };
const screenshots = join(folder, "screenshots");
const casts = join(folder, "looks-recordings");
const log = join(folder, "looks.log");

const CONFIG = `
[[listener]]
address = "127.0.0.1:0"

[[route]]
path = "/terminal/"
page = { kind = "bridge", route = "/terminal/" }
[route.service]
kind = "terminal"
argv = ["bash", "--norc", "--noprofile"]
environment = { set = { PS1 = "ready> ", HISTFILE = "" } }
typing = "all"
keep = "0s"
record = { folder = "${casts}" }
audit_notes = 100
audit_input = true

[[route]]
path = "/shell/"
page = { kind = "bridge", route = "/shell/" }
service = { kind = "shell", danger_any_command = true }

[[route]]
path = "/command/"
page = { kind = "bridge", route = "/command/" }
[route.service]
kind = "command"
argv = ["sh", "-c", "echo ready; echo careful >&2; while read -r line; do echo heard $line; done"]
stderr = "tag"

[[route]]
path = "/tail/"
page = { kind = "bridge", route = "/tail/" }
[route.service]
kind = "tail"
[[route.service.source]]
path = "${log}"
`;

const LOG = `${[
  "INFO started",
  "WARN slow: 1234 ms",
  "ERROR refused \u001b[1;31mby hand\u001b[0m \u001b]0;title\u0007",
  `DEBUG ${"a long line ".repeat(40)}`,
].join("\n")}\n`;

/** All sixteen colours, on lines that a narrow window has room for. */
const COLOURS =
  "clear; for i in 0 1 2 3 4 5 6 7; do printf '\\033[3%dmink %d \\033[9%dmbright\\033[0m\\n' $i $i $i; done; ls -la --color /";

/** What a person does to see each view, and what they see there then. */
const VIEWS = {
  async terminal(window) {
    await window.enters(COLOURS);
    await window.shows("usr");
  },
  async search(window) {
    await window.enters("clear; echo a needle; echo in the hay");
    await window.click("terminal-search");
    await window.type("search-text", "needle");
    await window.page.keyboard.press("Enter");
  },
  async sessions(window) {
    await window.click("terminal-sessions");
    await window.sees("sessions", "watched by");
  },
  async recordings(window) {
    await window.click("terminal-sessions");
    await window.click("shelf-recordings");
    await window.sees("recordings", ".cast");
    await window.page.click('[data-testid="recordings"] button');
    await window.shows("ready>");
  },
  async audit(window) {
    await window.enters("echo a line for the audit log");
    await window.click("terminal-sessions");
    await window.click("shelf-audit");
    await window.sees("audit", "opened bash");
  },
  async shell(window) {
    await window.type("shell-command", "ls -la /; echo trouble >&2");
    await window.click("shell-run");
    await window.sees("shell-result", "trouble");
  },
  async command(window) {
    await window.type("say-text", "hello");
    await window.click("say");
    await window.sees("lines", "heard hello");
  },
  async tail(window) {
    await window.sees("lines", "a long line");
    await window.page.click(".row:last-child");
    await window.sees("chosen-line", "a long line");
  },
};

export async function checkLooks(browser) {
  mkdirSync(screenshots, { recursive: true });
  rmSync(casts, { recursive: true, force: true });
  writeFileSync(log, LOG);
  const server = await startTieline({ config: CONFIG });
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of SCHEMES[size]) {
      await check(`${viewport.width} px, ${colorScheme}: no view scrolls sideways, and the browser complains of none`, async () => {
        for (const [view, show] of Object.entries(VIEWS)) {
          const path = ["shell", "command", "tail"].includes(view) ? `/${view}/` : "/terminal/";
          const window = screenOf(await openWindow(browser, server.http(path), { viewport, colorScheme }));
          if (path === "/terminal/") await window.shows("ready>");
          await show(window);
          await window.page.screenshot({ path: join(screenshots, `${size}-${colorScheme}-${view}.png`) });
          assert.equal(await window.page.evaluate(overhang), 0, view);
          await window.close();
        }
      });
    }
  }
  await check("every button and field is reached by keyboard, and has a name", async () => {
    for (const path of ["/terminal/", "/shell/", "/command/", "/tail/"]) {
      const window = screenOf(await openWindow(browser, server.http(path)));
      await window.sees("line-state", "open");
      if (path === "/terminal/") {
        await window.page.focus('[data-testid="terminal-sessions"]');
        await window.page.keyboard.press("Enter");
        await until("the focus beside the terminal", () =>
          window.page.evaluate(() => document.activeElement.closest(".shelf") !== null),
        );
        // From the screen, where Tab is the program's.
        await window.page.focus(".xterm-helper-textarea");
        await window.page.keyboard.press("Tab");
        assert.equal(await window.page.evaluate(() => document.activeElement.className), "xterm-helper-textarea");
        await window.page.keyboard.press("Control+Shift+L");
      }
      const { nameless, unreached } = await walk(window.page);
      assert.deepEqual({ nameless, unreached }, { nameless: [], unreached: [] }, path);
      if (path === "/terminal/") {
        await window.page.focus(".xterm-helper-textarea");
        await window.page.keyboard.press("Control+Shift+F");
        await until("the focus in the search", async () => (await window.page.evaluate(nameOfFocus)) === "Search");
        const reached = [];
        for (let step = 0; step < 4; step += 1) {
          reached.push(await window.page.evaluate(nameOfFocus));
          await window.page.keyboard.press("Tab");
        }
        assert.deepEqual(reached, ["Search", "The one before", "The next one", "Close"]);
      }
      await window.close();
    }
  });
  assert.equal(await server.stop(), 0);
}

/** The name of what has the focus; runs in the page. */
function nameOfFocus() {
  const { activeElement: it } = document;
  return it.getAttribute("aria-label") ?? it.innerText;
}

/** Pixels that the document is wider than its window; runs in the page. */
function overhang() {
  return document.documentElement.scrollWidth - document.documentElement.clientWidth;
}

/** Goes through the page by Tab, forwards and then backwards, and answers what has no name, and what was not reached. */
async function walk(page) {
  const controls = 'button:not([disabled]), input:not([type="radio"]), input:checked, textarea:not(.xterm-helper-textarea)';
  await page.evaluate((selector) => {
    for (const control of document.querySelectorAll(selector)) control.dataset.unreached = "";
  }, controls);
  const visit = () => page.evaluate(() => delete document.activeElement.dataset.unreached);
  await visit();
  const begin = (from) => page.evaluate((it) => document.querySelector(it)?.focus(), from);
  for (const [from, key] of [
    [".tools button, .step", "Tab"],
    [".tools button, .step", "Shift+Tab"],
    [".shelf input", "Tab"],
  ]) {
    await begin(from);
    await visit();
    for (let step = 0; step < 40; step += 1) {
      await page.keyboard.press(key);
      await visit();
      if (await page.evaluate(() => document.activeElement.className === "xterm-helper-textarea")) {
        await page.keyboard.press("Control+Shift+L");
        break;
      }
    }
  }
  return page.evaluate((selector) => {
    const all = [...document.querySelectorAll(selector)];
    const html = (control) => control.outerHTML.slice(0, 120);
    const isNamed = (it) =>
      it.innerText?.trim() || it.getAttribute("aria-label") || it.labels?.[0]?.innerText?.trim();
    return {
      nameless: all.filter((it) => !isNamed(it)).map(html),
      unreached: all.filter((it) => "unreached" in it.dataset).map(html),
    };
  }, controls);
}
