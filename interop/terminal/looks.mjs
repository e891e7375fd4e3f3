// How a terminal looks, wide and narrow, light and dark.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { check } from "../harness/checks.mjs";
import { folder } from "../harness/tieline.mjs";
import { openTerminal, startTerminal } from "./screen.mjs";

const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 360, height: 740 } };

/** All sixteen colours, on lines that a narrow window has room for. */
const COLOURS =
  "clear; for i in 0 1 2 3 4 5 6 7; do printf '\\033[3%dmink %d \\033[9%dmbright\\033[0m\\n' $i $i $i; done; ls -la --color /";

export async function checkLooks(browser) {
  const screenshots = join(folder, "screenshots");
  mkdirSync(screenshots, { recursive: true });
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      await check(`${viewport.width} px, ${colorScheme}: of the terminal nothing scrolls sideways`, async () => {
        const server = await startTerminal();
        const terminal = await openTerminal(browser, server.address, { viewport, colorScheme });
        await terminal.enters(COLOURS);
        await terminal.shows("usr");
        await terminal.page.screenshot({ path: join(screenshots, `${size}-${colorScheme}-terminal.png`) });
        assert.equal(await terminal.page.evaluate(overhang), 0);
        await terminal.click("terminal-sessions");
        await terminal.sees("sessions", "bash");
        await terminal.page.screenshot({ path: join(screenshots, `${size}-${colorScheme}-sessions.png`) });
        assert.equal(await terminal.page.evaluate(overhang), 0);
        await terminal.close();
        assert.equal(await server.stop(), 0);
      });
    }
  }
}

/** Pixels that the document is wider than its window; runs in the page. */
function overhang() {
  return document.documentElement.scrollWidth - document.documentElement.clientWidth;
}
