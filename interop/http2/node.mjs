// Node's http2 as a client: lines and pages on one connection, refusals, resets and the end.

import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:http2";
import { check, within } from "../harness/checks.mjs";
import { closesWith, echoes, MESSAGES } from "../harness/line.mjs";
import { hearsOf, openByHttp1 } from "./http1.mjs";
import { ask, asked, body, openOn, openSession } from "./node_client.mjs";

const MANY = 99;

export async function checkNode(origin) {
  const over = `Node, over ${origin.startsWith("https") ? "TLS" : "plain TCP"}`;
  const session = await openSession(origin);
  const open = (path) => openOn(session, origin, path);

  await check(`${over}: text, binary, empty and 1 MiB messages come back, and the close is answered`, async () => {
    const line = await open("/echo");
    await echoes(line, ...MESSAGES);
    await closesWith(line, 1000, "done");
  });
  await check(`${over}: a page, /healthz and two lines share one connection`, async () => {
    const lines = [await open("/echo"), await open("/echo")];
    for (const line of lines) await echoes(line, "here");
    const page = await ask(session, { ":path": "/" });
    assert.equal(page.headers[":status"], 200);
    assert.match(await body(page.stream), /<html/i);
    assert.equal(await body((await ask(session, { ":path": "/healthz" })).stream), "ok\n");
    for (const line of lines) await echoes(line, "still here");
    for (const line of lines) await closesWith(line, 4000);
  });
  await check(`${over}: ${MANY} lines echo at a time`, async () => {
    const lines = await Promise.all(Array.from({ length: MANY }, () => open("/echo")));
    await Promise.all(lines.map((line, index) => echoes(line, `line ${index}`)));
    await Promise.all(lines.map((line) => closesWith(line, 1000)));
  });
  await check(`${over}: a message over its limit fails with 1009, and a reset loses one line; the rest live on`, async () => {
    const [big, reset, other] = [await open("/echo"), await open("/echo"), await open("/echo")];
    big.send(Buffer.alloc((2 << 20) + 1));
    assert.equal((await big.closed()).code, 1009);
    reset.stream.close(constants.NGHTTP2_CANCEL);
    await within(once(reset.stream, "close"), "the reset");
    await echoes(other, "untouched");
    await closesWith(other, 1000);
  });
  await check(`${over}: counts together with a client over HTTP/1.1`, () => counts(open, origin));
  await checkRefusals(over, session, origin);
  session.close();
}

async function counts(open, origin) {
  const [first, second] = [await open("/counter"), await openByHttp1(origin, "/counter")];
  await hearsOf(first, "users", 2);
  first.send('{"action":"plus"}');
  for (const line of [first, second]) await hearsOf(line, "state", 1);
  second.send('{"action":"minus"}');
  for (const line of [first, second]) await hearsOf(line, "state", 0);
  await closesWith(second, 1000);
  await hearsOf(first, "users", 1);
  await closesWith(first, 1000);
}

async function checkRefusals(over, session, origin) {
  const refusals = [
    [404, "a path that is no route", asked(origin, "/nowhere")],
    [403, "an origin that is not ours", asked(origin, "/echo", { origin: "https://elsewhere.example" })],
    [403, "the origin null", asked(origin, "/echo", { origin: "null" })],
    [403, "a host that is not ours", asked(origin, "/echo", { ":authority": "elsewhere.example" })],
    [501, "another protocol", asked(origin, "/echo", { ":protocol": "connect-udp" })],
    [400, "version 8", asked(origin, "/echo", { "sec-websocket-version": "8" })],
    [400, "an ordinary request where only WebSocket is spoken", { ":method": "GET", ":path": "/echo" }],
  ];
  for (const [status, what, head] of refusals) {
    await check(`${over}: ${what} gets ${status}, and the connection goes on`, async () => {
      const { stream, headers } = await ask(session, head);
      assert.equal(headers[":status"], status);
      assert.match(await body(stream), /\w/);
      assert.equal(await body((await ask(session, { ":path": "/healthz" })).stream), "ok\n");
    });
  }
}

export async function checkEnding(server, origin) {
  await check("Node: SIGTERM closes the lines with 1001, sends GOAWAY, and ends the server with 0", async () => {
    const session = await openSession(origin);
    const lines = [await openOn(session, origin, "/echo"), await openOn(session, origin, "/counter")];
    const away = within(once(session, "goaway"), "GOAWAY");
    const [ended, [code], ...closed] = await Promise.all([server.stop(), away, ...lines.map((line) => line.closed())]);
    assert.equal(ended, 0);
    assert.equal(code, constants.NGHTTP2_NO_ERROR);
    assert.deepEqual(
      closed.map(({ code }) => code),
      [1001, 1001],
    );
  });
}
