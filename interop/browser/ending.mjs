// What a person at the page sees when the server ends.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { openWindow } from "./window.mjs";

export async function checkEnding(browser, server) {
  await check(`${browser.name}: SIGTERM closes the page's line with 1001, and the server ends with 0`, async () => {
    const window = await openWindow(browser, `${server.origins[0]}/#echo`);
    await window.sees("state-echo", "open");
    const ended = server.stop();
    await window.sees("state-echo", "closed: 1001");
    assert.equal(await ended, 0);
    await window.close();
  });
}
