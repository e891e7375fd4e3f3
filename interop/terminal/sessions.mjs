// Sessions that live on: tabs that are closed, screens that are as they were, and several who watch.

import assert from "node:assert/strict";
import { openWindow } from "../browser/window.mjs";
import { check, until } from "../harness/checks.mjs";
import { layCable } from "./cable.mjs";
import { openTerminal, startTerminal } from "./screen.mjs";

/** Paints another screen, with colours and the cursor somewhere in it, and stays there. */
const PAINTING = "printf '\\033[?1049h\\033[2J\\033[3;10H\\033[32mgreen\\033[0m\\033[7;4Hthere'; cat";

export async function checkSessions(browser) {
  const server = await startTerminal();
  const first = await openTerminal(browser, server.address);
  const address = first.page.url();
  await check("a tab that is closed and opened again shows the same screen, and the program never noticed", async () => {
    await first.enters("echo $$ is its number");
    await first.shows(/^\d+ is its number$/m);
    await first.enters(PAINTING);
    await first.shows(/^ {9}green$/m);
    const before = await first.rows();
    const keeper = await first.page.context().newPage();
    await first.page.close();
    await keeper.goto(address);
    const back = await first.another(address);
    await keeper.close();
    await back.shows(/^ {9}green$/m);
    assert.deepEqual(await back.rows(), before);
    const green = await back.page.$$eval(".xterm-fg-2", (spans) => spans.map((span) => span.textContent.trim()));
    assert.deepEqual(green, ["green"]);
    await back.page.keyboard.press("Control+c");
    await back.enters("printf '\\033[?1049l'");
    await back.shows(/^\d+ is its number$/m);
    const number = (await back.rows()).join("\n").match(/^(\d+) is its number$/m)[1];
    await back.enters("clear; echo $$ still");
    await back.shows(`${number} still`);
    await back.page.close();
  });
  const second = await first.another(address);
  await second.shows("still");
  await check("a reload comes back to the session, by the cookie", async () => {
    await second.enters("echo before the reload");
    await second.shows(/^before the reload$/m);
    await second.page.reload();
    await second.shows(/^before the reload$/m);
  });
  await check("two windows on one session see the same, each what the other types", async () => {
    const third = await second.another(address);
    await third.shows("before the reload");
    await third.sees("viewers", "2 watch");
    await second.enters("echo from the second");
    await third.shows(/^from the second$/m);
    await third.enters("echo from the third");
    await second.shows(/^from the third$/m);
    await third.page.close();
  });
  await check("of two windows of different sizes, the terminal is as large as the one that is used", async () => {
    const large = await second.size();
    const third = await second.another(address);
    await third.page.setViewportSize({ width: 600, height: 400 });
    const small = await until("a smaller size", async () => {
      const size = await third.size();
      return size.columns < large.columns && size;
    });
    await until("as few rows", async () => (await second.rows()).length === small.rows);
    assert.deepEqual(await second.size(), large);
    await third.page.close();
  });
  await check("lines that a program draws with letters are lines for who comes later", async () => {
    await second.enters("clear; printf '\\033(0lqqk\\n'");
    await second.shows(/^┌──┐$/m);
    const third = await second.another(address);
    await third.shows(/^┌──┐$/m);
    // Also of what is written from then on, by who came in the middle of it.
    await third.enters("printf 'x\\n'; printf '\\033(B'; clear; echo from the third");
    await second.shows(/^from the third$/m);
    await third.shows(/^from the third$/m);
    await third.page.close();
  });
  await check("the list of sessions shows who watches, and leads to another one", async () => {
    await second.click("terminal-sessions");
    await second.sees("sessions", /bash\s+since [\d:]+, \d+ × \d+\s+watched by ticket/);
    await second.click("session-new");
    await second.shows(/^ready>$/m);
    await until("two in the list", async () => (await second.text("sessions")).match(/bash/g)?.length === 2);
    await second.page.click('[data-testid="sessions"] button[aria-pressed="false"]');
    await second.shows("from the third");
    await second.click("terminal-sessions");
  });
  await check("a session that is over is told so, and another may begin", async () => {
    const lost = await second.another(`${server.origin}/?session=none-such`);
    await lost.sees("line-state", "4404");
    await lost.page.click("text=Begin another");
    await lost.shows("ready>");
    await lost.page.close();
  });
  await check("the address is good once: another browser with it is told so, and opens nothing", async () => {
    const other = await openWindow(browser, server.address);
    await other.sees("refused", "used already");
    assert.equal(await other.page.$(".xterm"), null);
    await other.page.close();
  });
  await second.page.close();
  assert.equal(await server.stop(), 0);

  await check("a line that was cut comes back by itself, to the screen as it then is", async () => {
    const server = await startTerminal();
    const cable = await layCable(Number(new URL(server.origin).port));
    const address = server.address.replace(`:${new URL(server.origin).port}/`, `:${cable.port}/`);
    const terminal = await openTerminal(browser, address);
    await terminal.enters("clear; sleep 1; echo said meanwhile");
    cable.cut();
    await terminal.shows(/^said meanwhile$/m);
    await terminal.sees("line-state", "open");
    await terminal.enters("echo typed afterwards");
    await terminal.shows(/^typed afterwards$/m);
    await terminal.page.close();
    cable.remove();
    assert.equal(await server.stop(), 0);
  });

  const readOnly = await startTerminal(["--read-only"]);
  await check("who may only read changes nothing by typing, and is told that it is so", async () => {
    const window = await openTerminal(browser, readOnly.address);
    await window.sees("read-only", "read-only");
    await window.enters("echo typed");
    await window.page.reload();
    await window.shows("ready>");
    assert(!(await window.rows()).join("\n").includes("typed"));
    await window.close();
    assert.equal(await readOnly.stop(), 0);
  });
}
