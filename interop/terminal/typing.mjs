// Typing, colours, sizes, copying and searching.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { openTerminal, startTerminal } from "./screen.mjs";

export async function checkTyping(browser) {
  const server = await startTerminal();
  const terminal = await openTerminal(browser, server.address);
  await check("what is typed arrives, and what it answers is shown, in whichever script", async () => {
    await terminal.enters("echo $((6 * 7)) grüße 日本語 😀");
    await terminal.shows(/^42 grüße 日本語 😀/m);
  });
  await check("the ticket is not in the address any more", async () => {
    assert.equal(new URL(terminal.page.url()).hash, "");
  });
  await check("colours are shown as programs write them", async () => {
    await terminal.enters("clear; printf '\\033[31mred\\033[0m plain \\033[1;44mbold\\033[0m\\n'");
    await terminal.shows(/^red plain bold$/m);
    const classes = await terminal.page.$$eval(".xterm-rows span", (spans) =>
      Object.fromEntries(spans.map((span) => [span.textContent.trim(), span.className])),
    );
    assert.match(classes.red, /xterm-fg-1\b/);
    assert.match(classes.bold, /xterm-bg-4\b/);
  });
  await check("the theme of the page is that of the terminal, also when it changes", async () => {
    const ink = () => terminal.page.$eval(".screen .xterm-rows", (rows) => getComputedStyle(rows).color);
    const seen = new Set();
    for (const theme of ["Auto", "Light", "Dark"]) {
      await terminal.sees("theme", theme);
      await until("another ink", async () => {
        const colour = await ink();
        return theme !== "Dark" || !seen.has(colour);
      });
      seen.add(await ink());
      await terminal.click("theme");
    }
    assert.equal(seen.size, 2, [...seen].join(" and "));
    await terminal.sees("theme", "Auto");
  });
  await check("keys that are no letters do what they do in a terminal", async () => {
    await terminal.enters("clear; cat");
    await terminal.enters("to the cat");
    await terminal.shows(/^to the cat\nto the cat$/m);
    await terminal.page.keyboard.press("Control+c");
    await terminal.shows(/\^C\nready>/);
    await terminal.page.keyboard.press("ArrowUp");
    await terminal.shows(/ready> clear; cat$/m);
    await terminal.page.keyboard.press("Control+u");
  });
  await check("the program is told when the window changes its size", async () => {
    const before = await terminal.size();
    await terminal.page.setViewportSize({ width: 700, height: 500 });
    const after = await until("another size", async () => {
      const size = await terminal.size();
      return size.columns < before.columns && size.rows < before.rows && size;
    });
    assert.equal((await terminal.rows()).length, after.rows);
    await terminal.page.setViewportSize({ width: 1280, height: 800 });
    await until("the first size", async () => (await terminal.size()).columns === before.columns);
  });
  await check("the screen is copied, and searched", async () => {
    await terminal.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await terminal.enters("clear; echo needle in the hay");
    await terminal.shows(/^needle in the hay$/m);
    await terminal.click("terminal-copy");
    const copied = () => terminal.page.evaluate(() => navigator.clipboard.readText());
    await until("the text on the clipboard", async () => /^needle in the hay$/m.test(await copied()));
    await terminal.click("terminal-search");
    await terminal.type("search-text", "in the hay");
    await terminal.page.keyboard.press("Enter");
    await terminal.page.keyboard.press("Escape");
    // What was found is marked, and what is marked is copied.
    await terminal.click("terminal-copy");
    await until("what was found on the clipboard", async () => (await copied()) === "in the hay");
  });
  await check("much output is drawn to its end, and the page lives on", async () => {
    await terminal.enters("clear; seq 200000; echo all of it");
    await terminal.shows(/^199999\n200000\nall of it$/m);
  });
  await check("the end of the program is told, and another begins", async () => {
    await terminal.enters("exit 3");
    await terminal.sees("terminal-ended", "ended with 3");
    await terminal.page.click("text=Begin another");
    await terminal.shows("ready>");
  });
  await check("nothing was complained about, and Ctrl-C ends the server", async () => {
    await terminal.close();
    assert.equal(await server.stop(), 0);
  });
}
