// A line of HTTP requests; the server is the test, and answers each request as it comes.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, test } from "node:test";
import type { Carrier, Ended, OpenCarrier } from "../src/carriers/carrier.ts";
import { openPoll } from "../src/carriers/poll.ts";
import { openStream } from "../src/carriers/stream.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

interface Asked {
  readonly part: string;
  readonly query: URLSearchParams;
  readonly bearer: string | undefined;
  readonly body: string;
  readonly response: ServerResponse;
}

/** A line that is open, and a server whose requests the test takes one by one. */
async function start(open: OpenCarrier) {
  const waiting: Record<string, Asked[]> = {};
  const server = createServer(async (request: IncomingMessage, response) => {
    const url = new URL(request.url ?? "", "http://x");
    const part = url.pathname.replace("/tieline/", "");
    const body = Buffer.concat(await request.toArray()).toString();
    const bearer = request.headers.authorization;
    waiting[part] = [
      ...(waiting[part] ?? []),
      { part, query: url.searchParams, bearer, body, response },
    ];
    server.emit("asked");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const heard: string[] = [];
  let tellEnd = (_: Ended) => {};
  const ended = new Promise<Ended>((resolve) => {
    tellEnd = resolve;
  });
  let tellOpen = () => {};
  const opened = new Promise<void>((resolve) => {
    tellOpen = resolve;
  });
  const carrier: Carrier = open(
    {
      url: new URL(`http://127.0.0.1:${port}/tieline`),
      token: "the-token",
      requestWithinMs: 5_000,
      tools: { fetch, WebSocket: undefined, EventSource: undefined },
    },
    {
      opened: tellOpen,
      ended: tellEnd,
      alive: () => server.emit("heard"),
      message(text) {
        heard.push(text);
        server.emit("heard");
      },
    },
  );
  ends.push(() => {
    carrier.close(false);
    server.closeAllConnections();
    server.close();
  });
  /** The next request of this part. */
  async function asks(part: string): Promise<Asked> {
    for (;;) {
      const asked = waiting[part]?.shift();
      if (asked) return asked;
      await once(server, "asked", { signal: AbortSignal.timeout(20_000) });
    }
  }
  const hears = async (count: number) => {
    while (heard.length < count) {
      await once(server, "heard", { signal: AbortSignal.timeout(20_000) });
    }
    return heard;
  };
  return { carrier, asks, heard, hears, ended, opened, waiting };
}

/** The same, once `open` was answered. */
async function startOpen(open: OpenCarrier) {
  const line = await start(open);
  const { bearer, response } = await line.asks("open");
  assert.equal(bearer, "Bearer the-token");
  response.end(JSON.stringify({ line: "1-a", secret: "s", heartbeat: 25 }));
  await line.opened;
  return line;
}

const refuse = ({ response }: Asked, status: number, body: object) => {
  response.writeHead(status);
  response.end(JSON.stringify(body));
};

test("what is said goes up in its order, with the secret, and once it is known to be taken no more", async () => {
  const { carrier, asks } = await startOpen(openPoll);
  carrier.send('{"n":1}');
  const first = await asks("send");
  carrier.send('{"n":2}');
  carrier.send('{"n":3}');
  assert.deepEqual([first.bearer, first.query.get("line")], ["Bearer s", "1-a"]);
  assert.deepEqual([first.query.get("from"), first.body], ["1", '[{"n":1}]']);
  first.response.end('{"seen":1}');
  const second = await asks("send");
  assert.deepEqual([second.query.get("from"), second.body], ["2", '[{"n":2},{"n":3}]']);
  second.response.end('{"seen":3}');
});

test("a request whose answer is lost is made again", async () => {
  const { carrier, asks } = await startOpen(openPoll);
  carrier.send('{"n":1}');
  (await asks("send")).response.destroy();
  carrier.send('{"n":2}');
  const again = await asks("send");
  assert.deepEqual([again.query.get("from"), again.body], ["1", '[{"n":1},{"n":2}]']);
  refuse(again, 503, { code: "overloaded" });
  const third = await asks("send");
  refuse(third, 409, { code: "out_of_order", expected: 2 });
  const fourth = await asks("send");
  assert.deepEqual([fourth.query.get("from"), fourth.body], ["2", '[{"n":2}]']);
});

test("a server that counts otherwise has lost the line", async () => {
  const { carrier, asks, ended } = await startOpen(openPoll);
  carrier.send('{"n":1}');
  refuse(await asks("send"), 409, { code: "out_of_order", expected: 7 });
  assert.equal((await ended).code, 1006);
});

test("much is sent in several requests", async () => {
  const { carrier, asks } = await startOpen(openPoll);
  const large = JSON.stringify({ text: "x".repeat(200_000) });
  for (let count = 0; count < 3; count += 1) carrier.send(large);
  for (const from of ["1", "2", "3"]) {
    const { body, query, response } = await asks("send");
    assert.equal(query.get("from"), from);
    assert.equal(JSON.parse(body).length, 1);
    response.end(`{"seen":${from}}`);
  }
});

for (const [status, code] of [
  [404, 1006],
  [403, 1006],
  [413, 1009],
] as const) {
  test(`a request that is answered ${status} ends the line with ${code}`, async () => {
    const { carrier, asks, ended } = await startOpen(openPoll);
    carrier.send("{}");
    refuse(await asks("send"), status, { code: "no", reason: "not so" });
    assert.deepEqual(await ended, { code, reason: `${status} no: not so` });
  });
}

for (const [status, code] of [
  [401, 4401],
  [403, 1006],
  [404, 1006],
] as const) {
  test(`an opening that is answered ${status} ends with ${code}`, async () => {
    const { asks, ended } = await start(openStream);
    refuse(await asks("open"), status, {});
    assert.equal((await ended).code, code);
  });
}

test("a poll names what has come, and is made again when it is lost", async () => {
  const { asks, hears } = await startOpen(openPoll);
  const first = await asks("poll");
  assert.equal(first.query.get("seen"), "0");
  first.response.end('[{"a":1},{"b":"ü"}]');
  (await asks("poll")).response.destroy();
  const third = await asks("poll");
  assert.equal(third.query.get("seen"), "2");
  third.response.end("[]");
  const fourth = await asks("poll");
  refuse(fourth, 409, { code: "replaced" });
  (await asks("poll")).response.end('[{"c":3}]');
  assert.deepEqual(await hears(3), ['{"a":1}', '{"b":"ü"}', '{"c":3}']);
});

test("a stream is cut anywhere, also within a letter, and goes on behind the last whole message", async () => {
  const { asks, heard, hears } = await startOpen(openStream);
  const first = await asks("stream");
  const bytes = Buffer.from('\n{"a":"ü"}\n{"b":2}\n{"c":');
  const middle = bytes.indexOf(Buffer.from("ü")) + 1;
  first.response.write(bytes.subarray(0, middle));
  await hears(0);
  first.response.write(bytes.subarray(middle));
  await hears(2);
  first.response.destroy();
  const second = await asks("stream");
  assert.equal(second.query.get("seen"), "2");
  second.response.write('\n{"c":3}\n');
  await hears(3);
  assert.deepEqual(heard, ['{"a":"ü"}', '{"b":2}', '{"c":3}']);
});

for (const [name, open, part, text] of [
  ["stream", openStream, "stream", '{"a":1}\n{"close":{"code":4401,"reason":"over"}}\n'],
  ["poll", openPoll, "poll", '[{"a":1},{"close":{"code":4401,"reason":"over"}}]'],
] as const) {
  test(`a ${name} may end with the server's reason`, async () => {
    const { asks, ended, heard } = await startOpen(open);
    (await asks(part)).response.end(text);
    assert.deepEqual(await ended, { code: 4401, reason: "over" });
    assert.deepEqual(heard, ['{"a":1}']);
  });
}

test("what is said to a line that ends does not hide why it ends", async () => {
  const { carrier, asks, ended } = await startOpen(openPoll);
  carrier.send("{}");
  refuse(await asks("send"), 404, { code: "line_ended" });
  const poll = await asks("poll");
  poll.response.end('[{"close":{"code":4401,"reason":"over"}}]');
  assert.deepEqual(await ended, { code: 4401, reason: "over" });
});

test("a line of which more was seen than it knows is lost", async () => {
  const { asks, ended } = await startOpen(openPoll);
  refuse(await asks("poll"), 409, { code: "wrong_seen", expected: 0 });
  assert.equal((await ended).code, 1006);
});

test("a line that is closed for good says so, and one that is given up does not", async () => {
  const [gone, kept] = [await startOpen(openPoll), await startOpen(openPoll)];
  gone.carrier.close(true);
  assert.equal((await gone.asks("close")).query.get("line"), "1-a");
  kept.carrier.close(false);
  gone.carrier.send("{}");
  kept.carrier.send("{}");
  await new Promise((resume) => setImmediate(resume));
  assert.equal(kept.waiting.close, undefined);
  assert.equal(kept.waiting.send, undefined);
});
