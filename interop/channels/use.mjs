// What a client does while all is well, over one carrier or another.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { connect as connectBy, follow, heard, next } from "./clients.mjs";

export async function checkUse(server, carrier) {
  const url = server.ws("/tieline");
  const connect = (url, options) => connectBy(url, { carriers: [carrier], ...options });
  /** A channel of this carrier's own. */
  const own = (name) => `${name}-${carrier}`;

  await check(`${carrier}: two clients hear each other's publications, each once and in order`, async () => {
    const [alice, bob] = [connect(url), connect(url)];
    const rooms = [alice, bob].map((client) => follow(client, own("chat:room")));
    await Promise.all(rooms.map((room) => room.subscribe()));
    for (let turn = 0; turn < 50; turn += 1) {
      void rooms[0].publish(`a${turn}`);
      void rooms[1].publish(`b${turn}`);
    }
    const [first, second] = await Promise.all(rooms.map((room) => heard(room, 100)));
    assert.deepEqual(first, second);
    for (const who of ["a", "b"]) {
      const said = first.filter((text) => text[0] === who);
      assert.deepEqual(
        said,
        Array.from({ length: 50 }, (_, turn) => who + turn),
      );
    }
    assert.equal(alice.state, "connected");
    assert.equal(alice.carrier, carrier);
  });

  await check(`${carrier}: what is published under one key is published once`, async () => {
    const room = connect(url).channel(own("chat:keys"));
    const first = await room.publish(1, { key: "k" });
    assert.deepEqual(await room.publish(1, { key: "k" }), { ...first, repeat: true });
    assert.equal((await room.history()).publications.length, 1);
  });

  await check(`${carrier}: history: the newest first, behind and before an offset, and so many`, async () => {
    const room = connect(url).channel(own("chat:past"));
    for (let data = 1; data <= 5; data += 1) await room.publish(data);
    const offsets = async (range) => (await room.history(range)).publications.map(({ offset }) => offset);
    assert.deepEqual(await offsets(), [5, 4, 3, 2, 1]);
    assert.deepEqual(await offsets({ after: 3 }), [4, 5]);
    assert.deepEqual(await offsets({ before: 3 }), [2, 1]);
    assert.deepEqual(await offsets({ limit: 2 }), [5, 4]);
    assert.equal((await room.history()).oldest, 1);
  });

  await check(`${carrier}: who has subscribed is present, and comes and goes for the others`, async () => {
    const [alice, bob] = [connect(url), connect(url)];
    const here = follow(alice, own("chat:here"));
    await here.subscribe();
    const there = follow(bob, own("chat:here"));
    const joined = next(here, "join");
    await there.subscribe();
    const { client } = await joined;
    const members = await here.presence();
    assert.equal(members.length, 2);
    assert.ok(members.some((member) => member.client === client));
    assert.deepEqual(await here.presenceStats(), { clients: 2, users: 0 });
    const left = next(here, "leave");
    await there.unsubscribe();
    assert.equal((await left).client, client);
    await until("one is left", async () => (await here.presenceStats()).clients === 1);
  });

  await check(`${carrier}: a pattern hears all channels that begin alike`, async () => {
    const client = connect(url);
    const all = follow(client, "news:*");
    await all.subscribe();
    await client.channel(own("news:a")).publish(1);
    await client.channel(own("news:b")).publish(2);
    await heard(all, 2);
    const names = all.told("publication").map(({ channel }) => channel);
    assert.deepEqual(names, [own("news:a"), own("news:b")]);
  });

  await check(`${carrier}: a loop takes what comes, and ends with the subscription`, async () => {
    const client = connect(url);
    const room = client.channel(own("chat:loop"));
    const taken = [];
    for await (const item of listen(room)) {
      taken.push(item.data);
      if (item.data === 3) void room.unsubscribe();
    }
    assert.deepEqual(taken, [1, 2, 3]);

    async function* listen(channel) {
      const items = channel[Symbol.asyncIterator]();
      await channel.subscribe();
      for (const data of [1, 2, 3]) await channel.publish(data);
      yield* items;
    }
  });

  await check(`${carrier}: a loop that is too slow is told how many it missed`, async () => {
    const room = connect(url, { maxItems: 3 }).channel(own("chat:slow"));
    const items = room[Symbol.asyncIterator]();
    await room.subscribe();
    for (let data = 1; data <= 5; data += 1) await room.publish(data);
    await until("all have come", () => room.position.offset === 5);
    const { value: gap } = await items.next();
    assert.deepEqual(gap, { kind: "gap", reason: "slow", dropped: 2 });
    assert.equal((await items.next()).value.data, 3);
  });

  await check(`${carrier}: what cannot be done says why, and what to do`, async () => {
    const client = connect(url);
    const nowhere = client.channel("nowhere:a");
    await assert.rejects(nowhere.subscribe(), { code: 4005, retry: "give-up" });
    await assert.rejects(nowhere.publish(1), { code: 4005 });
    await assert.rejects(client.channel("mine:a").publish(1), { code: 4004 });
    await assert.rejects(client.channel("chat:*").subscribe(), { code: 4010 });
    await assert.rejects(client.channel(own("news:a")).presence(), { code: 4009 });
    await assert.rejects(
      (async () => {
        for await (const item of nowhere) assert.fail(item.kind);
      })(),
      { code: 4005 },
    );
    assert.equal(client.state, "connected");
  });

  await check(`${carrier}: a client that is closed stays away, and so does what waits`, async () => {
    const client = connect(url);
    const room = follow(client, own("chat:end"));
    await room.subscribe();
    const waits = room.publish(1);
    client.close();
    await assert.rejects(waits, { code: "closed" });
    await assert.rejects(room.publish(1), { code: "closed" });
    await assert.rejects(room.subscribe(), { code: "closed" });
    assert.equal(client.state, "closed");
    assert.equal(client.carrier, undefined);
  });
}
