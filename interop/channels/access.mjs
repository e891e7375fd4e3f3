// A route that asks for a token, and rights to its channels.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { check, until } from "../harness/checks.mjs";
import { connect, follow, heard, next } from "./clients.mjs";

const GOOD = "alices-token-of-24-bytes";

/** The server's list of tokens. */
export const TOKENS = `alice ${GOOD} subscribe:mine:* publish:mine:a\n`;

/** What its JWTs are signed with. */
export const SECRET = "a secret of the suite, of more than 32 bytes";

/** A token of alice's that is good for so many seconds. */
function jwt(seconds) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1_000) + seconds;
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: "alice", exp })}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

export async function checkAccess(server) {
  const url = server.ws("/mine");

  await check("a token says who somebody is, and what they may do", async () => {
    const client = connect(url, { token: GOOD });
    const connected = next(client, "connected");
    const room = follow(client, "mine:a");
    await room.subscribe();
    assert.equal((await connected).user, "alice");
    await room.publish(1);
    await heard(room, 1);
    assert.equal(room.told("publication")[0].from, "alice");
    await assert.rejects(client.channel("mine:b").publish(1), { code: 4004, retry: "give-up" });
    await client.channel("mine:b").subscribe();
  });

  await check("a function is asked again when its token was not good", async () => {
    const asked = [];
    const token = (isAnew) => {
      asked.push(isAnew);
      return asked.length === 1 ? "of-an-hour-ago-and-expired" : GOOD;
    };
    const client = connect(url, { token });
    await client.channel("mine:a").subscribe();
    assert.equal(asked.length, 2);
  });

  for (const carrier of ["websocket", "stream", "poll"]) {
    await check(`${carrier}: a token that is not good, and cannot be asked for again, ends the client`, async () => {
      const client = connect(url, { token: "of-an-hour-ago-and-expired", carriers: [carrier, "poll"] });
      const refused = assert.rejects(client.channel("mine:a").subscribe(), { code: 4401, retry: "token" });
      const { error } = await next(client, "closed");
      assert.equal(error.code, 4401);
      await refused;
    });

    await check(`${carrier}: when a token expires another is asked for, and the session goes on`, async () => {
      const asked = [];
      const token = (isAnew) => {
        asked.push(isAnew);
        return jwt(asked.length === 1 ? 2 : 60);
      };
      const client = connect(server.ws("/signed"), { token, carriers: [carrier] });
      const room = follow(client, `chat:expiry-${carrier}`);
      await room.subscribe();
      await room.publish(1);
      assert.equal((await next(client, "disconnected")).code, 4401);
      assert.equal((await next(client, "connected")).recovered, true);
      await room.publish(2);
      assert.deepEqual(await heard(room, 2), [1, 2]);
      assert.deepEqual(asked, [false, true]);
    });
  }

  await check("a newer token in time keeps the line", async () => {
    let seconds = 2;
    const client = connect(server.ws("/signed"), { token: () => jwt(seconds) });
    await next(client, "connected");
    const expires = Date.now() + 2_000;
    seconds = 60;
    await client.refresh();
    await until("the first token would have expired", () => Date.now() > expires + 1_500);
    await client.channel("chat:refreshed").publish(1);
    assert.deepEqual(
      client.events.map(({ kind }) => kind),
      ["connecting", "connected"],
    );
  });
}
