// What the page of a log shows, and what a person does there.

import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWindow } from "../browser/window.mjs";
import { check, until } from "../harness/checks.mjs";
import { folder, startBridge } from "../harness/tieline.mjs";

const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 360, height: 740 } };

/** What a hostile program may write into a log. */
const HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x1b]0;owned\x07\x1b[2Jafter\r<img src=x onerror=alert(1)>\u202etxt";

export async function checkPage(browser) {
  const logs = join(folder, "logs");
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });
  const [app, other] = [join(logs, "app.log"), join(logs, "other.log")];
  writeFileSync(app, "an old line\n");
  writeFileSync(other, "");
  const server = await startBridge(["tail", app, other]);
  const window = await openWindow(browser, server.address);
  const row = (text) => window.page.waitForSelector(`.row:has-text("${text}")`, { timeout: 20_000 });
  const attribute = async (text, name) => (await row(text)).getAttribute(name);

  await check("the last lines come first, then each as it is written, with its source", async () => {
    await window.sees("lines", "an old line");
    appendFileSync(app, "a new line\n");
    await window.sees("lines", "a new line");
    appendFileSync(other, "of the other\n");
    await window.sees("lines", "of the other");
    assert.notEqual(await attribute("of the other", "data-source"), await attribute("a new line", "data-source"));
  });
  await check("levels and the colours of programs are shown, and nothing else that they write does anything", async () => {
    appendFileSync(app, "ERROR the disk is full\nWARN it is nearly full\n\x1b[32mgreen words\x1b[0m and plain\n");
    assert.equal(await attribute("the disk is full", "data-level"), "error");
    assert.equal(await attribute("nearly full", "data-level"), "warning");
    await row("green words");
    assert.deepEqual(await window.page.$$eval(".ink-2", (spans) => spans.map((it) => it.innerText)), ["green words"]);
    appendFileSync(app, `${HOSTILE}\n`);
    await window.sees("lines", "^[]52;c;ZXZpbA==^G^[]0;owned^G^[[2Jafter^M<img src=x onerror=alert(1)>\\u202etxt");
    assert.equal(await window.page.$(".lines img"), null);
    assert.notEqual(await window.page.title(), "owned");
  });
  await check("a filter is the server's: only what has the text, or matches the expression, comes", async () => {
    await window.type("filter-text", "wanted");
    await window.click("filter-set");
    await window.sees("lines", "lines that contain “wanted”");
    appendFileSync(app, "not this\nthis is wanted\n");
    await window.sees("lines", "this is wanted");
    assert(!(await window.text("lines")).includes("not this"));
    await window.page.click("text=Expression");
    await window.type("filter-text", "^b[0-9]+$");
    await window.click("filter-set");
    await window.sees("lines", "lines that match “^b[0-9]+$”");
    appendFileSync(app, "a12\nb12\n");
    await window.sees("lines", "b12");
    assert(!(await window.text("lines")).includes("a12"));
    await window.type("filter-text", "(");
    await window.click("filter-set");
    await window.sees("filter-problem", /\S/);
    await window.click("filter-none");
    appendFileSync(app, "all of them again\n");
    await window.sees("lines", "all of them again");
  });
  await check("a list that is paused stands still, counts what comes, and follows again", async () => {
    await window.click("follow");
    appendFileSync(app, "while it stood still\n");
    await window.sees("follow", "Follow, 1 new");
    assert(!(await window.text("lines")).includes("while it stood still"));
    await window.click("follow");
    await window.sees("lines", "while it stood still");
  });
  await check("a line is shown whole when it is chosen", async () => {
    appendFileSync(app, `begin ${"long ".repeat(1000)}end\n`);
    await (await row("begin long")).click();
    await window.sees("chosen-line", /^begin .*end/s);
    await window.page.click('[data-testid="chosen-line"] >> text=Close');
  });
  await check("a file that was truncated, and one that was moved away, are followed on", async () => {
    writeFileSync(app, "");
    await until("the follower sees it empty", async () => {
      appendFileSync(app, "after the truncation\n");
      return (await window.text("lines")).includes("after the truncation");
    });
    rmSync(app);
    writeFileSync(app, "of the file that came instead\n");
    await window.sees("lines", "of the file that came instead");
  });
  await check("nothing was complained about, and Ctrl-C ends the server", async () => {
    await window.close();
    assert.equal(await server.stop(), 0);
  });

  await check("what cannot be had is told as a gap, and comes when it can be", async () => {
    const missing = join(logs, "closed.log");
    mkdirSync(missing);
    const closed = await startBridge(["tail", missing]);
    const page = await openWindow(browser, closed.address);
    await page.page.waitForSelector('.row[data-kind="gap"]', { timeout: 20_000 });
    await page.sees("lines", /closed\.log: it /);
    await page.close();
    assert.equal(await closed.stop(), 0);
  });

  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      await check(`${viewport.width} px, ${colorScheme}: of the log the page does not scroll sideways`, async () => {
        const shown = await startBridge(["tail", app, other]);
        const page = await openWindow(browser, shown.address, { viewport, colorScheme });
        const lines = ["ERROR it broke", "WARN it may break", "INFO it works", "DEBUG how it works", HOSTILE];
        appendFileSync(app, `${lines.join("\n")}\n\x1b[1;34mblue\x1b[0m ${"very long ".repeat(60)}\nlast of these\n`);
        await page.sees("lines", "last of these");
        const path = join(folder, "screenshots");
        mkdirSync(path, { recursive: true });
        await page.page.screenshot({ path: join(path, `${size}-${colorScheme}-tail.png`) });
        const overhang = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
        assert.equal(await page.page.evaluate(overhang), 0);
        await page.close();
        assert.equal(await shown.stop(), 0);
      });
    }
  }
}
