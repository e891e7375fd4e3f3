// The inspector on the operator's page: a chat that is watched as it happens, and a capture that is dropped on it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { OPERATOR_KEY } from "../gateway/server.mjs";
import { check, until } from "../harness/checks.mjs";
import { lookAt, WORDS } from "./looks.mjs";
import { startWatched } from "./servers.mjs";
import { openWindow } from "./window.mjs";

/**
 * An npm `ws` client with permessage-deflate at our echo: a text, twice, a ping, some bytes, and a close with 1000; then
 * another that is refused with 404. Written by tcpdump.
 */
const CAPTURE = readFileSync(new URL("captures/echo.pcap", import.meta.url));

export async function checkInspector(browser) {
  const server = await startWatched();
  const [origin, operator] = server.origins;
  const page = `${operator}/`;
  const of = (sentence) => `${browser.name}, inspector: ${sentence}`;
  await check(of("the frames of a chat are shown as they are sent, and one of them bit by bit"), () =>
    watches(browser, origin, page),
  );
  await check(of("what is shown is filtered, paused, cleared and saved"), () => filters(browser, origin, page));
  await check(of("the table is walked through by the keyboard alone"), () => walks(browser, page));
  await check(of("a capture that is dropped shows its handshake, its frames, its round trip and its end"), () =>
    drops(browser, page),
  );
  await check(of("what is no capture, or is cut off, is said to be"), () => refuses(browser, page));
  await lookAt(browser, "the inspector", page, async (window, look) => {
    await open(window);
    await look("inspector");
    await drop(window, "echo.pcap", CAPTURE);
    await window.sees("inspector-state", "read to its end");
    await choose(window, "client", "text 0x1");
    await look("inspector-capture");
    // What one says in the chat, all hear: so whichever line is watched has it.
    const chat = await openWindow(browser, `${origin}/#chat`);
    await chat.sees("state-chat", "open");
    await watch(window);
    await chat.paste("chat-input", WORDS);
    await chat.click("chat-send");
    await window.sees("inspector-frames", "Somebody says");
    await choose(window, "server", "text 0x1");
    await look("inspector-line");
    await chat.close();
  });
  await server.stop();
}

async function watches(browser, origin, page) {
  const chat = await openWindow(browser, `${origin}/#chat`);
  await chat.sees("state-chat", "open");
  const window = await openWindow(browser, page);
  await open(window);
  await window.sees("lines", "/chat");
  await watch(window);
  await window.sees("inspector-title", /^Line \d+, \/chat from 127\.0\.0\.1:\d+$/);
  await say(chat, "pancakes");
  await window.sees("inspector-frames", /client\s+text 0x1\s+8\s+FIN\s+pancakes/);
  await window.sees("inspector-frames", /server\s+text 0x1\s+\d+\s+FIN\s+.*pancakes/);
  await choose(window, "client", "pancakes");
  await window.sees("inspector-fields", /FIN\s+1\s+the last frame of its message/);
  await window.sees("inspector-fields", /opcode\s+0001\s+0x1 text/);
  await window.sees("inspector-fields", /MASK\s+1\s+the payload is masked/);
  await window.sees("inspector-fields", /payload length\s+0001000\s+8 bytes/);
  await window.sees("inspector-message", /^pancakes$/);
  await window.sees("dump-unmasked", /70 61 6e 63 61 6b 65 73\s+pancakes/);
  // The key takes the one to the other.
  const key = bytesOf((await window.text("inspector-fields")).match(/masking key\s+32 bits\s+([0-9a-f ]{11})/)[1]);
  const masked = bytesOf((await window.text("dump-masked")).match(/0000 {2}((?:[0-9a-f]{2} ){8})/)[1]);
  const text = masked.map((byte, at) => byte ^ key[at % 4]);
  assert.equal(String.fromCharCode(...text), "pancakes");
  await chat.close();
  await window.sees("inspector-state", "no longer watched");
  await window.sees("inspector-connections", /End\s+1001 going away/);
  await window.close();
}

async function filters(browser, origin, page) {
  const chat = await openWindow(browser, `${origin}/#chat`);
  await chat.sees("state-chat", "open");
  const window = await openWindow(browser, page);
  await open(window);
  await watch(window);
  for (const text of ["waffles", "pancakes"]) await say(chat, text);
  await window.sees("filter-count", /^4 shown/);
  await window.page.selectOption('[data-testid="filter-from"]', "client");
  await window.sees("filter-count", /^2 of 4 shown/);
  await window.type("filter-text", "WAFF");
  await window.sees("filter-count", /^1 of 4 shown/);
  await window.sees("inspector-frames", /^.*waffles$/s);
  const [saved] = await Promise.all([window.page.waitForEvent("download"), window.click("inspector-save")]);
  const lines = readFileSync(await saved.path(), "utf8").trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).message.text),
    ["waffles"],
  );
  await window.type("filter-text", " ");
  await window.page.selectOption('[data-testid="filter-kind"]', "ping");
  await window.sees("inspector-frames", "No frame is like that.");
  await window.page.selectOption('[data-testid="filter-kind"]', "");
  await window.page.selectOption('[data-testid="filter-from"]', "");
  await window.page.fill('[data-testid="filter-text"]', "");
  await window.click("inspector-pause");
  await say(chat, "while it is paused");
  await window.sees("inspector-waiting", "2 waiting");
  await window.sees("filter-count", /^4 shown/);
  await window.click("inspector-pause");
  await window.sees("filter-count", /^6 shown/);
  await window.click("inspector-clear");
  await window.sees("inspector-frames", "No frame was seen yet.");
  await say(chat, "goes on");
  await window.sees("filter-count", /^2 shown/);
  await window.click("inspector-stop");
  await window.sees("inspector-state", "no longer watched");
  await chat.close();
  await window.close();
}

async function walks(browser, page) {
  const window = await openWindow(browser, page);
  await open(window);
  await drop(window, "echo.pcap", CAPTURE);
  await window.sees("inspector-state", "read to its end");
  await window.page.focus('[data-testid="inspector-frames"]');
  const chosen = () =>
    window.page.$$eval('[role="option"][aria-selected="true"]', (rows) => rows.map((row) => row.innerText).join());
  const active = () =>
    window.page.$eval('[data-testid="inspector-frames"]', (list) => {
      const id = list.getAttribute("aria-activedescendant");
      return document.getElementById(id)?.getAttribute("aria-selected");
    });
  await window.page.keyboard.press("Home");
  await until("the first", async () => /TCP/.test(await chosen()));
  await window.page.keyboard.press("ArrowDown");
  await until("the second", async () => /request/.test(await chosen()));
  assert.equal(await active(), "true");
  await window.page.keyboard.press("End");
  await until("the last", async () => /\bend\b/.test(await chosen()));
  await window.page.keyboard.press("PageUp");
  await until("another", async () => !/\bend\b/.test(await chosen()));
  await window.close();
}

async function drops(browser, page) {
  const window = await openWindow(browser, page);
  await open(window);
  await drop(window, "echo.pcap", CAPTURE);
  await window.sees("inspector-title", /^echo\.pcap, /);
  await window.sees("inspector-state", "read to its end");
  await window.sees("inspector-connections", /127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+/);
  await window.sees("inspector-connections", /Handshake\s+upgraded/);
  await window.sees("inspector-connections", /Extensions\s+permessage-deflate/);
  await window.sees("inspector-connections", /Pings answered\s+1, [\d.]+ ms/);
  await window.sees("inspector-connections", /Errors, gaps\s+0, 0/);
  await window.sees("inspector-connections", /End\s+1000 normal closure, cleanly; the client began/);
  // Compressed on the wire, and inflated here; the second points into the first.
  await window.sees("inspector-frames", /client\s+text 0x1\s+\d+\s+FIN RSV1\s+hello, hello/);
  await choose(window, "client", "hello, hello");
  await window.sees("inspector-fields", /RSV1\s+1\s+compressed/);
  await window.sees("inspector-outcome", "which was compressed");
  await window.sees("inspector-message", /^hello, hello/);
  await choose(window, "server", "response");
  await window.sees("inspector-detail", "right for the key");
  await window.sees("inspector-connections", /Handshake\s+refused with 404/);
  await window.click("connection-2");
  await window.sees("filter-count", /of connection 2/);
  await window.sees("inspector-frames", /GET \/nowhere/);
  assert.doesNotMatch(await window.text("inspector-frames"), /hello/);
  await window.click("filter-connection-off");
  await window.sees("inspector-frames", "hello, hello");
  await window.close();
}

async function refuses(browser, page) {
  const window = await openWindow(browser, page);
  await open(window);
  await drop(window, "notes.txt", Buffer.from("this is no capture"));
  await window.sees("inspector-problem", "that is no capture");
  await drop(window, "cut.pcap", CAPTURE.subarray(0, CAPTURE.length - 7));
  await window.sees("inspector-problem", "cut off");
  await window.sees("inspector-frames", "hello, hello");
  // The browser complains of the 400, and of nothing else.
  assert.deepEqual(
    window.complaints.filter((complaint) => !complaint.includes("400")),
    [],
  );
  await window.page.close();
}

async function open(window) {
  await window.type("key", OPERATOR_KEY);
  await window.click("key-open");
  await window.click("view-inspector");
}

/** Watches the line of the chat. */
async function watch(window) {
  await until("a chat", () => window.page.$('[data-testid="lines"] button:has-text("/chat")'));
  await window.page.click('[data-testid="lines"] button:has-text("/chat")');
  await window.sees("inspector-state", "watched");
}

async function say(chat, text) {
  await chat.type("chat-input", text);
  await chat.click("chat-send");
  await chat.sees("chat-log", text);
}

/** Chooses the first row that is from this end and says this. */
async function choose(window, from, text) {
  const row = `[role="option"]:has-text("${from}"):has-text("${text}")`;
  await until(`a row of ${text}`, () => window.page.$(row));
  await window.page.click(row);
  await window.sees("inspector-detail", from);
}

/** Drops a file, as a person does who drags it there. */
async function drop(window, name, bytes) {
  const transfer = await window.page.evaluateHandle(
    ([called, numbers]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(numbers)], called));
      return data;
    },
    [name, [...bytes]],
  );
  await window.page.dispatchEvent('[data-testid="capture-drop"]', "drop", { dataTransfer: transfer });
}

function bytesOf(pairs) {
  return pairs
    .trim()
    .split(" ")
    .map((pair) => Number.parseInt(pair, 16));
}
