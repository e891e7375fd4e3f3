// The page's console for JSON-RPC: answers, errors, pushes, and another path.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { openWindow } from "./window.mjs";

export async function checkRpc(browser, origin) {
  const over = `${browser.name}, JSON-RPC over ${origin.startsWith("https") ? "wss" : "ws"}`;
  await check(`${over}: the answer to a call shows, with its method and its time`, () => answers(browser, origin));
  await check(`${over}: an error shows with its code, and what is no JSON is never sent`, () => fails(browser, origin));
  await check(`${over}: what a subscription pushes shows, until it is ended`, () => pushes(browser, origin));
  await check(`${over}: another path is another line, and the way back is open`, () => turns(browser, origin));
}

async function answers(browser, origin) {
  const window = await openConsole(browser, origin);
  await call(window, "demo_sum", "[1, 2, 39]");
  await window.sees("rpc-log", /\b42\s+demo_sum, \S+ m?s\s+answer$/);
  await call(window, "demo_echo", '{"greeting": "grüße, 世界"}');
  await window.sees("rpc-log", /"greeting": "grüße, 世界"[^]*demo_echo, \S+ m?s\s+answer$/);
  await window.sees("frames-rpc", '"method":"demo_sum"');
  await window.close();
}

async function fails(browser, origin) {
  const window = await openConsole(browser, origin);
  await call(window, "demo_fail", '[4711, "as it was told"]');
  await window.sees("rpc-log", /4711 as it was told\s+demo_fail, \S+ m?s\s+error$/);
  await call(window, "no_such_method", "");
  await window.sees("rpc-log", /-32601 [^\n]+\s+no_such_method, \S+ m?s\s+error$/);
  for (const [params, problem] of [
    ["[1,", "This is no JSON."],
    ["1", "Params are an array or an object"],
  ]) {
    await call(window, "demo_never", params);
    await window.sees("rpc-problem", problem);
  }
  // An answer that comes after them shows that they were not sent.
  await call(window, "demo_echo", "[]");
  await window.sees("rpc-log", /demo_echo, \S+ m?s\s+answer$/);
  assert.equal(await window.text("rpc-problem"), "");
  assert.doesNotMatch(await window.text("frames-rpc"), /demo_never/);
  await window.close();
}

async function pushes(browser, origin) {
  const window = await openConsole(browser, origin);
  await call(window, "demo_subscribe", '["ticks", 50]');
  await window.sees("rpc-log", /(demo_subscription\s+push[^]*){3}/);
  const log = await window.text("rpc-log");
  const [, id] = /"(0x[0-9a-f]+)"\s+demo_subscribe, /.exec(log);
  const numbers = [...log.matchAll(/"subscription": "(\w+)",\s+"result": (\d+)/g)].slice(0, 3);
  assert.deepEqual(
    numbers.map(([, subscription, number]) => [subscription, Number(number)]),
    [1, 2, 3].map((number) => [id, number]),
  );
  await call(window, "demo_unsubscribe", JSON.stringify([id]));
  await window.sees("rpc-log", /true\s+demo_unsubscribe, \S+ m?s\s+answer$/);
  await window.close();
}

async function turns(browser, origin) {
  const window = await openConsole(browser, origin);
  await turnTo(window, "/nowhere");
  await window.sees("state-rpc", "closed: 1006");
  assert.equal(await window.page.$eval('[data-testid="rpc-call"]', (button) => button.disabled), true);
  await turnTo(window, "rpc");
  await window.sees("state-rpc", "open");
  await call(window, "demo_sum", "[]");
  await window.sees("rpc-log", /\b0\s+demo_sum, \S+ m?s\s+answer$/);
  // The browser complains of the path that is none, and of nothing else.
  assert.deepEqual(window.complaints.filter((complaint) => !complaint.includes("404")), []);
  await window.page.close();
}

async function openConsole(browser, origin) {
  const window = await openWindow(browser, `${origin}/#rpc`);
  await window.sees("state-rpc", "open");
  return window;
}

async function call(window, method, params) {
  await window.type("rpc-method", method);
  await window.type("rpc-params", params);
  await window.click("rpc-call");
}

async function turnTo(window, path) {
  await window.type("rpc-path", path);
  await window.click("rpc-turn");
}
