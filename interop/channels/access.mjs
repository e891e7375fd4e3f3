// A route that asks for a token, and rights to its channels.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { connect, follow, heard, next } from "./clients.mjs";

const GOOD = "alices-token-of-24-bytes";

/** The server's list of tokens. */
export const TOKENS = `alice ${GOOD} subscribe:mine:* publish:mine:a\n`;

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
}
