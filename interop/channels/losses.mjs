// What a client does when its line is lost, or the server.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { check, until } from "../harness/checks.mjs";
import { openLine } from "../harness/line.mjs";
import { PASS, startProxy } from "../harness/proxy.mjs";
import { connect, follow, heard, next, WebSocket } from "./clients.mjs";

/** An exchange of which nothing is heard any more. */
const SWALLOWED = { bytes: 0, isSwallowed: true };

export async function checkLosses(server, restart) {
  const url = server.ws("/tieline");

  await check("a line that is cut comes back: nothing is missing, and nothing comes twice", async () => {
    const [reader, writer] = [connect(url), connect(url)];
    const read = follow(reader, "chat:cut");
    const written = writer.channel("chat:cut");
    await read.subscribe();
    for (let round = 0; round < 20; round += 1) {
      const back = next(reader, "connected");
      reader.cut();
      await Promise.all([written.publish(2 * round), written.publish(2 * round + 1)]);
      assert.equal((await back).recovered, true);
    }
    const numbers = Array.from({ length: 40 }, (_, number) => number);
    assert.deepEqual(await heard(read, 40), numbers);
    assert.deepEqual(read.told("gap"), []);
  });

  await check("a publish whose line is cut is done once", async () => {
    const client = connect(url);
    const room = client.channel("chat:once");
    await room.publish(0);
    const done = [];
    for (let number = 1; number <= 40; number += 1) {
      done.push(room.publish(number));
      // Some before they are sent, some before they are answered.
      if (number % 2) await new Promise((resume) => setImmediate(resume));
      client.cut();
      if (number % 3 === 0) await next(client, "connected");
    }
    await Promise.all(done);
    const { publications } = await room.history({ after: 0 });
    const numbers = Array.from({ length: 41 }, (_, number) => number);
    assert.deepEqual(
      publications.map(({ data }) => data),
      numbers,
    );
  });

  await check("what is gone from the history is told as a gap", async () => {
    const [reader, writer] = [connect(url), connect(url)];
    const read = follow(reader, "news:gap");
    await read.subscribe();
    await writer.channel("news:gap").publish(1);
    await heard(read, 1);
    reader.cut();
    await Promise.all(Array.from({ length: 10 }, (_, number) => writer.channel("news:gap").publish(number + 2)));
    await until("the gap", () => read.told("gap").length > 0);
    const [gap] = read.told("gap");
    assert.equal(gap.reason, "expired");
    assert.equal(gap.since.offset, 1);
    await writer.channel("news:gap").publish("after");
    await until("it goes on", () => read.data().includes("after"));
  });

  for (const carrier of ["websocket", "stream", "poll"]) {
    await check(`${carrier}: a line that says nothing any more is left for another, in the same session`, async () => {
      let isSwallowing = false;
      const proxy = await startProxy(server.port, () => ({ ...PASS, ...(isSwallowing ? SWALLOWED : {}) }));
      const hurried = { silentMs: 200, answerWithinMs: 200, connectWithinMs: 1_000, requestWithinMs: 500 };
      const client = connect(`${proxy.origin}/tieline`, { carriers: [carrier], ...hurried });
      const room = follow(client, `chat:silent-${carrier}`);
      await room.subscribe();
      const lost = next(client, "disconnected");
      isSwallowing = true;
      proxy.cut(() => true, SWALLOWED);
      assert.equal((await lost).reason, "the line says nothing any more");
      isSwallowing = false;
      assert.equal((await next(client, "connected")).recovered, true);
      await room.publish(1);
      assert.deepEqual(await heard(room, 1), [1]);
      proxy.close();
      client.close();
    });
  }

  await check("a line whose session was taken by one that had been given up takes it back", async () => {
    const client = connect(url);
    const room = follow(client, "chat:stolen");
    await room.subscribe();
    const { session } = client.heard.find(({ result }) => result?.session).result;
    const back = next(client, "connected");
    const late = await openLine(new WebSocket(url, "tieline.v1"));
    const params = { session: { ...session, seen: 1 } };
    late.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "connect", params }));
    assert.equal((await back).recovered, true);
    await room.publish(1);
    assert.deepEqual(await heard(room, 1), [1]);
    assert.equal((await late.closed()).code, 4409);
  });

  await check("a server that accepts and says nothing is left within the time for connecting", async () => {
    const silent = createServer((socket) => socket.on("error", () => {}));
    await new Promise((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const client = connect(`ws://127.0.0.1:${silent.address().port}/`, { carriers: ["websocket"], connectWithinMs: 100 });
    const { reason } = await next(client, "disconnected");
    assert.equal(reason, "connect was not answered in time");
    client.close();
    silent.close();
  });

  for (const carrier of ["websocket", "stream", "poll"]) {
    await check(`${carrier}: a message that is too large ends its publish, and nothing else`, async () => {
      const room = connect(url, { carriers: [carrier] }).channel(`chat:large-${carrier}`);
      await room.publish(0);
      const outcomes = await Promise.allSettled([room.publish(1), room.publish("x".repeat(100_000)), room.publish(2)]);
      assert.deepEqual(
        outcomes.map(({ status, reason }) => reason?.code ?? status),
        ["fulfilled", "too-large", "fulfilled"],
      );
    });
  }

  await check("after kill -9, what is on disk is all there, and what is in memory is told as a gap", async () => {
    const [reader, writer] = [connect(url), connect(url)];
    const [kept, chat] = ["kept:a", "chat:a"].map((name) => follow(reader, name));
    await Promise.all([kept.subscribe(), chat.subscribe()]);
    await Promise.all([writer.channel("kept:a").publish(1), writer.channel("chat:a").publish(1)]);
    await Promise.all([heard(kept, 1), heard(chat, 1)]);
    const lost = next(writer, "disconnected");
    await server.kill();
    await lost;
    const publishes = [2, 3].map((number) => writer.channel("kept:a").publish(number));
    const again = await restart();
    await Promise.all(publishes);
    assert.deepEqual(await heard(kept, 3), [1, 2, 3]);
    assert.deepEqual(kept.told("gap"), []);
    await until("the gap", () => chat.told("gap").length > 0);
    assert.equal(chat.told("gap")[0].reason, "epoch");
    await writer.channel("chat:a").publish(9);
    assert.deepEqual(await heard(chat, 2), [1, 9]);
    server = again;
  });

  await check("a server that stops is waited for", async () => {
    const client = connect(url);
    const room = follow(client, "kept:stop");
    await room.subscribe();
    const lost = next(client, "disconnected");
    assert.equal(await server.stop(), 0);
    await lost;
    const published = room.publish("there again");
    await restart();
    await published;
    assert.deepEqual(await heard(room, 1), ["there again"]);
  });
}
