// Recordings: made by the server, replayed by the page.

import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { check, until } from "../harness/checks.mjs";
import { folder } from "../harness/tieline.mjs";
import { openTerminal, startTerminal } from "./screen.mjs";

export async function checkRecordings(browser) {
  const kept = join(folder, "recordings");
  rmSync(kept, { recursive: true, force: true });
  const server = await startTerminal(["--record", kept]);
  await check("a session is recorded, and replayed on the page with its colours", async () => {
    const terminal = await openTerminal(browser, server.address);
    await terminal.enters("printf '\\033[35mfor later\\033[0m\\n'");
    await terminal.shows(/^for later$/m);
    await terminal.enters("exit");
    await terminal.sees("terminal-ended", "ended with 0");
    assert(existsSync(kept));
    await terminal.click("terminal-sessions");
    await terminal.click("shelf-recordings");
    await terminal.sees("recordings", ".cast");
    await terminal.page.click('[data-testid="recordings"] button');
    await until("the purple line of the recording", async () => {
      const purple = await terminal.page.$$eval('[data-testid="player"] .xterm-fg-5', (spans) =>
        spans.map((span) => span.textContent.trim()),
      );
      return purple.join() === "for later";
    });
    await terminal.click("player-close");
    await terminal.close();
  });
  assert.equal(await server.stop(), 0);
}
