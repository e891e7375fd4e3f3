// Every fixture of a client, said to the running server: it is understood, or answered with its code.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { check } from "../harness/checks.mjs";
import { openLine } from "../harness/line.mjs";
import { WebSocket } from "./clients.mjs";

const FIXTURES = JSON.parse(readFileSync(new URL("../../docs/fixtures/client.json", import.meta.url), "utf8"));

/** Methods of which the server knows, whether it can do what is asked or not. */
const NOT_UNDERSTOOD = [-32700, -32600, -32601, -32602];

export async function checkFixtures(server) {
  for (const fixture of FIXTURES) {
    await check(`fixture: ${fixture.name}`, async () => {
      const line = await openLine(new WebSocket(server.ws("/tieline"), "tieline.v1"));
      const says = async (text) => {
        line.send(text);
        return JSON.parse(await line.next());
      };
      const means = [fixture.means ?? []].flat();
      if (means[0]?.method !== "connect") await says('{"jsonrpc":"2.0","id":"c","method":"connect","params":{}}');
      if (fixture.answered) {
        const { id, error } = await says(fixture.text);
        assert.deepEqual({ id, code: error.code }, fixture.answered);
      } else {
        line.send(fixture.text);
        for (const { id } of means) if (id !== undefined) await isUnderstood(line, id);
      }
      // The line goes on.
      line.send('{"jsonrpc":"2.0","id":"end","method":"ping"}');
      while (JSON.parse(await line.next()).id !== "end");
      line.socket.close(1000);
      assert.equal((await line.closed()).code, 1000);
    });
  }
}

async function isUnderstood(line, id) {
  let answer = JSON.parse(await line.next());
  while (answer.method !== undefined) answer = JSON.parse(await line.next());
  assert.equal(answer.id, id);
  assert.ok(!NOT_UNDERSTOOD.includes(answer.error?.code), answer.error?.message);
}
