// What is noted of who opened and typed what, on a page at the very path of its terminal.

import assert from "node:assert/strict";
import { openWindow } from "../browser/window.mjs";
import { check } from "../harness/checks.mjs";
import { startTieline } from "../harness/tieline.mjs";
import { screenOf } from "./screen.mjs";

const TERMINAL = `
[[listener]]
address = "127.0.0.1:0"

[[route]]
path = "/"
page = { kind = "bridge", route = "/" }

[route.service]
kind = "terminal"
argv = ["bash", "--norc", "--noprofile"]
environment = { set = { PS1 = "ready> ", HISTFILE = "" } }
typing = "all"
max_sessions = 2
audit_notes = 100
audit_input = true
`;

export async function checkAudit(browser) {
  const server = await startTieline({ config: TERMINAL });
  const terminal = screenOf(await openWindow(browser, server.http()));
  await check("who opened, typed and left is noted, and shown on the page, the newest first", async () => {
    await terminal.shows("ready>");
    await terminal.enters("echo to be noted");
    await terminal.shows(/^to be noted$/m);
    const other = await terminal.another();
    await other.shows("to be noted");
    await other.page.close();
    await terminal.click("terminal-sessions");
    await terminal.sees("sessions", "watched by 127.0.0.1");
    await terminal.click("shelf-audit");
    await terminal.sees("audit", /127\.0\.0\.1 left[^]*127\.0\.0\.1 came to watch[^]*127\.0\.0\.1 opened bash/);
    await terminal.sees("audit", /typed\s+echo to be noted\\r/);
  });
  await check("who comes when as many sessions run as may is told so, and the page asks again", async () => {
    const second = screenOf(await openWindow(browser, server.http()));
    await second.shows("ready>");
    const third = screenOf(await openWindow(browser, server.http()));
    await third.sees("line-state", /2 sessions run, and no more may.*asked again/);
    await second.enters("exit");
    await third.shows("ready>");
    await second.close();
    await third.close();
  });
  await check("without any of what it was not asked for in the browser's console", async () => {
    await terminal.close();
    assert.equal(await server.stop(), 0);
  });
}
