// A client over HTTP/2: its lines are upgrades to the upstream, its requests ordinary ones.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { closesWith, echoes, MESSAGES } from "../harness/line.mjs";
import { ask, asked, body, openOn, openSession } from "../http2/node_client.mjs";

export async function checkHttp2(proxy) {
  const origin = proxy.origins[0];
  const session = await openSession(origin);
  for (const name of ["tieline", "ws", "websockets"]) {
    await check(`HTTP/2 to ${name}: every kind of message comes back, and the close is answered`, async () => {
      const line = await openOn(session, origin, `/${name}`);
      await echoes(line, ...MESSAGES);
      await closesWith(line, 4000, "done");
    });
  }
  await check("HTTP/2: the upstream chooses the subprotocol, and its other headers come, too", async () => {
    const more = { "sec-websocket-protocol": "first, second", "sec-websocket-extensions": "permessage-deflate" };
    const { stream, headers } = await ask(session, asked(origin, "/ws", more), { endStream: false });
    assert.equal(headers[":status"], 200);
    assert.equal(headers["sec-websocket-protocol"], "second");
    assert.match(headers["sec-websocket-extensions"], /^permessage-deflate/);
    stream.close();
  });
  for (const [path, status] of [["401", 401], ["426", 400], ["200", 502], ["wrong-accept", 502], ["silent", 504]]) {
    await check(`HTTP/2: an upstream's ${path} is ${status}, and the connection goes on`, async () => {
      const { stream, headers } = await ask(session, asked(origin, `/raw/${path}`), { endStream: false });
      assert.equal(headers[":status"], status);
      stream.close();
      assert.equal((await ask(session, { ":path": "/ws/nothing" })).headers[":status"], 404);
    });
  }
  await check("HTTP/2: a page comes through as over HTTP/1.1, with the host that was asked for", async () => {
    const { stream, headers } = await ask(session, { ":path": "/ws/head" });
    assert.equal(headers[":status"], 200);
    const seen = JSON.parse(await body(stream)).headers;
    assert.equal(seen.host, new URL(origin).host);
    assert.equal(seen["x-forwarded-for"], "127.0.0.1");
  });
  session.close();
}
