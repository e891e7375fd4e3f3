// Every message of docs/fixtures, as the client reads it, or says it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  type Heard,
  readConnected,
  readCounted,
  readHistory,
  readMembers,
  readMessage,
  readPublished,
  readSubscribed,
  writeCall,
  writeNotification,
} from "../src/wire.ts";

interface Fixture {
  readonly name: string;
  readonly text: string;
  readonly to?: string;
  readonly unreadable?: boolean;
  readonly means?: unknown;
}

const FOLDER = new URL("../../../docs/fixtures/", import.meta.url);
const fixtures = (who: string): Fixture[] =>
  JSON.parse(readFileSync(new URL(`${who}.json`, FOLDER), "utf8"));

/** How the answers of each call are read; those of the others are nobody's to read. */
const READERS: Record<string, (result: unknown) => unknown> = {
  connect: readConnected,
  subscribe: (result) => readSubscribed("chat:lobby", result),
  publish: readPublished,
  history: (result) => readHistory("chat:lobby", result),
  presence: readMembers,
  presence_stats: readCounted,
};

/** A message as the fixtures write it. */
function flat(heard: Heard | undefined): unknown {
  if (heard?.kind === "publication") {
    const { publication, ...rest } = heard;
    return { ...rest, ...publication };
  }
  if (heard?.kind === "join" || heard?.kind === "leave") {
    const { member, ...rest } = heard;
    return { ...rest, ...member };
  }
  return heard ?? null;
}

for (const { name, text, to, unreadable, means } of fixtures("server")) {
  test(`reads ${name}`, () => {
    const heard = readMessage(text);
    assert.deepEqual(flat(heard), means);
    const read = to === undefined ? undefined : READERS[to];
    if (!read || heard?.kind !== "answer") return;
    assert.equal(read(heard.result) === undefined, unreadable === true);
  });
}

for (const { name, text, means } of fixtures("client")) {
  const said = means as { id?: unknown; method: string; params?: object } | undefined;
  // The client says neither batches nor ids of letters, and always parameters.
  if (said?.params === undefined || typeof said.id === "string") continue;
  test(`says ${name}`, () => {
    const { id, method, params = {} } = said;
    assert.equal(
      typeof id === "number" ? writeCall(id, method, params) : writeNotification(method, params),
      text,
    );
  });
}

test("a subscription's answer is read whole", () => {
  const answer = readSubscribed("c:a", {
    position: { epoch: "e", offset: 9 },
    recovered: false,
    reason: "expired",
    oldest: 7,
    publications: [{ offset: 9, data: 1, from: "alice" }],
  });
  assert.deepEqual(answer, {
    position: { epoch: "e", offset: 9 },
    recovered: false,
    reason: "expired",
    oldest: 7,
    publications: [{ channel: "c:a", offset: 9, data: 1, from: "alice" }],
  });
});
