// `tieline exec`, and the shell of the demos on its page.

import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWindow } from "../browser/window.mjs";
import { check, until } from "../harness/checks.mjs";
import { folder, startBridge, startTieline } from "../harness/tieline.mjs";

const SHELL = `
[[listener]]
address = "127.0.0.1:0"

[[route]]
path = "/"
page = { kind = "bridge", route = "/shell" }

[[route]]
path = "/shell"
service = { kind = "shell", danger_any_command = true }
`;

export async function checkCommands(browser) {
  await check("a command says its lines on the page, errors apart, and hears what is said to it", async () => {
    const script = "echo ready; echo trouble >&2; while read -r line; do echo \"heard $line\"; done";
    const server = await startBridge(["exec", "--", "sh", "-c", script]);
    const window = await openWindow(browser, server.address);
    await window.sees("lines", "ready");
    await window.sees("lines", /stderr\s+trouble/);
    await window.type("say-text", "a <b>line</b>");
    await window.click("say");
    await window.sees("lines", "heard a <b>line</b>");
    await window.close();
    assert.equal(await server.stop(), 0);
  });
  await check("a shared command is one process for all windows", async () => {
    const server = await startBridge(["exec", "--shared", "--", "sh", "-c", "echo number $$; exec sleep 1000"]);
    const window = await openWindow(browser, server.address);
    await window.sees("lines", /number \d+/);
    const number = (await window.text("lines")).match(/number \d+/)[0];
    const tab = await window.page.context().newPage();
    await tab.goto(server.origin);
    await until("the same number", async () =>
      (await tab.$eval('[data-testid="lines"]', (lines) => lines.innerText).catch(() => "")).includes(number),
    );
    await window.close();
    assert.equal(await server.stop(), 0);
  });
  await check("the shell of the demos: a counter and a command, which Ctrl-Enter runs, for everybody", async () => {
    const server = await startTieline({ config: SHELL });
    const window = await openWindow(browser, server.http());
    const other = await openWindow(browser, server.http());
    await window.sees("shell-users", "2");
    await window.click("shell-plus");
    await other.sees("shell-value", "1");
    await window.type("shell-command", "echo out; echo err >&2");
    await window.page.keyboard.press("Control+Enter");
    for (const one of [window, other]) {
      await one.sees("shell-last", "echo out; echo err >&2");
      await one.sees("shell-result", /\[stdout\]\s+out\s+\[stderr\]\s+err/);
    }
    // Who comes later sees it as well, and when it was.
    const later = await openWindow(browser, server.http());
    await later.sees("shell-result", "out");
    await later.sees("shell-when", /^\d\d:\d\d:\d\d$/);
    for (const one of [window, other, later]) await one.close();
    assert.equal(await server.stop(), 0);
  });
  await check("a filter that the server does not take is told, and the one before stays in force", async () => {
    const log = join(folder, "shown.log");
    writeFileSync(log, "");
    const server = await startBridge(["tail", log]);
    const window = await openWindow(browser, server.address);
    await window.type("filter-text", "apple");
    await window.click("filter-set");
    await window.type("filter-text", "(");
    await window.click("filter-regex");
    await window.click("filter-set");
    await window.sees("filter-problem", "regular expression");
    appendFileSync(log, "a pear\nan apple\n");
    await window.sees("lines", "an apple");
    assert(!(await window.text("lines")).includes("a pear"));
    await window.close();
    assert.equal(await server.stop(), 0);
  });
}
