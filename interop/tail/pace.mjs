// The page at 10,000 lines a second: all arrive, and it stays fast.

import assert from "node:assert/strict";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openWindow } from "../browser/window.mjs";
import { check, until } from "../harness/checks.mjs";
import { folder, startBridge } from "../harness/tieline.mjs";

const LINES_PER_SECOND = 10_000;
const SECONDS = 5;
const TICK_MS = 20;

export async function checkPace(browser) {
  await check("10,000 lines a second for five seconds are all shown, and the page answers meanwhile", async () => {
    const log = join(folder, "pace.log");
    rmSync(log, { force: true });
    const file = openSync(log, "a");
    const server = await startBridge(["tail", log]);
    const window = await openWindow(browser, server.address);
    await window.sees("line-state", "open");
    await window.page.evaluate(watchFrames);
    const total = LINES_PER_SECOND * SECONDS;
    const began = Date.now();
    let written = 0;
    while (written < total) {
      const due = Math.min(total, Math.ceil(((Date.now() - began) / 1000) * LINES_PER_SECOND));
      let text = "";
      for (; written < due; written += 1) {
        text += `2026-11-22T03:00:00.000Z INFO worker ${written % 8}: request ${written} took 12 ms\n`;
      }
      if (text !== "") writeSync(file, text);
      await new Promise((resume) => setTimeout(resume, TICK_MS));
    }
    closeSync(file);
    await until("all of them", async () => (await window.text("count")).replace(/\D/g, "") === String(total));
    await window.sees("lines", `request ${total - 1} took`);
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    const { frames, longest, rows } = await window.page.evaluate(() => globalThis.paced());
    console.log(`       ${total} lines in ${seconds} s: ${frames} frames, the longest ${longest} ms, ${rows} rows made`);
    // The list makes what is in sight, however many lines there are.
    assert(rows < 200, `${rows} rows`);
    assert(frames > SECONDS, `${frames} frames`);
    await window.close();
    assert.equal(await server.stop(), 0);
  });
}

/** Counts frames from now on; runs in the page. */
function watchFrames() {
  let frames = 0;
  let longest = 0;
  let last = performance.now();
  const next = (at) => {
    frames += 1;
    longest = Math.max(longest, at - last);
    last = at;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
  globalThis.paced = () => ({ frames, longest: Math.round(longest), rows: document.querySelectorAll(".row").length });
}
