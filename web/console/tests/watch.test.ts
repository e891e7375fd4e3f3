// The channels of the operator's page: what is asked, and what is made of the answers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChannelPage, createApi, type Member } from "../src/operator/api.ts";
import { createWatch } from "../src/operator/channels/watch.ts";

const CHAT = { channel: "chat:/chat", subscribers: 2 };
const MEMBER: Member = { client: "c", user: null, name: "192.0.2.1" };

/** A page that nobody hides. */
const PAGE = new EventTarget() as Document;

/** Becomes ready when what was asked so far is answered. */
const answered = () => new Promise((resolve) => setImmediate(resolve));

test("a channel's name is escaped, and 404 means that nobody says who is there", async () => {
  const asked: string[] = [];
  const answers = [
    new Response(JSON.stringify({ members: [MEMBER] })),
    new Response(JSON.stringify({ detail: "no presence" }), { status: 404 }),
    new Response(JSON.stringify({ detail: "the disk failed" }), { status: 503 }),
  ];
  const api = createApi("k", async (to) => {
    asked.push(String(to));
    return answers.shift() as Response;
  });
  assert.deepEqual(await api.members("chat:/chat"), [MEMBER]);
  assert.deepEqual(asked, ["./api/v1/channels/chat%3A%2Fchat/presence"]);
  assert.equal(await api.members("quiet:a"), null);
  await assert.rejects(api.members("chat:/chat"), /the disk failed/);
});

test("the channels and who is in the chosen one are asked for while somebody looks", async () => {
  const pages: (string | undefined)[] = [];
  const watch = createWatch(
    {
      channels: async (after) => {
        pages.push(after);
        const next = after === undefined ? CHAT.channel : null;
        const page: ChannelPage = { channels: [{ ...CHAT, channel: after ?? "" }], next };
        return page;
      },
      members: async () => [MEMBER],
    },
    PAGE,
  );
  const stop = watch.start();
  await answered();
  assert.equal(watch.channels.value?.length, 1);
  assert.equal(watch.hasMore.value, true);
  assert.equal(watch.members.value, undefined);
  await watch.choose(CHAT.channel);
  assert.deepEqual(watch.members.value, [MEMBER]);
  await watch.more();
  assert.deepEqual(pages, [undefined, undefined, CHAT.channel]);
  assert.equal(watch.channels.value?.length, 2);
  assert.equal(watch.hasMore.value, false);
  stop();
});

test("who is in a channel is not shown of another that was chosen meanwhile", async () => {
  let answer: (members: readonly Member[]) => void = () => {};
  const slow = new Promise<readonly Member[]>((resolve) => (answer = resolve));
  const watch = createWatch({
    channels: async () => ({ channels: [], next: null }),
    members: (channel) => (channel === "slow" ? slow : Promise.resolve([])),
  });
  const first = watch.choose("slow");
  await watch.choose("quick");
  answer([MEMBER]);
  await first;
  assert.deepEqual(watch.members.value, []);
});

test("where nobody says who is there, it is not asked again", async () => {
  let asked = 0;
  const watch = createWatch(
    {
      channels: async () => ({ channels: [], next: null }),
      members: async () => {
        asked += 1;
        return null;
      },
    },
    PAGE,
  );
  await watch.choose("quiet:a");
  assert.equal(watch.members.value, null);
  const stop = watch.start();
  await answered();
  stop();
  assert.equal(asked, 1);
  await watch.choose("quiet:a");
  assert.equal(asked, 2);
});

test("what goes wrong is said, until it goes well", async () => {
  let isWell = false;
  const watch = createWatch({
    channels: () => Promise.reject(new Error("not now")),
    members: () => (isWell ? Promise.resolve([]) : Promise.reject(new Error("not now"))),
  });
  await watch.choose("a");
  assert.equal(watch.problem.value, "not now");
  isWell = true;
  await watch.choose("a");
  assert.equal(watch.problem.value, "");
});
