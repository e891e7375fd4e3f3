// One round: publishers and subscribers of a channel, each behind a network of its own, and what came of it.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../harness/checks.mjs";
import { startProxy } from "../harness/proxy.mjs";
import { between, oneOf, seeded } from "../harness/random.mjs";
import { write } from "../harness/tieline.mjs";
import { CALL_WITHIN_MS, CARRIERS, connect } from "./clients.mjs";
import { hasHeard, subscriberOf, walk } from "./promise.mjs";
import { createTrouble } from "./trouble.mjs";

/** Plays the round of this seed before a server; answers what it saw, or throws. */
export async function play(seed, server) {
  const random = seeded(seed);
  const isKept = random() < 0.75;
  const name = `${isKept ? "kept" : "brief"}:${seed}`;
  const members = [];
  /** What happened, for whoever has to find out why a round failed. */
  const story = { seed, name };
  try {
    // A seed for each, so that what one does changes nothing for another.
    for (let index = 0; index < 4; index += 1) {
      members.push(await member(seeded(between(random, 0, 2 ** 31)), server));
    }
    story.members = members.map(({ carriers, events }) => ({ carriers, events }));
    return await run(name, isKept, members, story);
  } catch (error) {
    write(`round-${seed}.json`, JSON.stringify(story, null, 1));
    throw error;
  } finally {
    for (const { client, proxy } of members) {
      client.close();
      proxy.close();
    }
  }
}

/** A client behind its network. */
async function member(random, server) {
  const trouble = createTrouble(random);
  const proxy = await startProxy(server.port, trouble.judge);
  const carriers = random() < 0.8 ? [oneOf(random, CARRIERS)] : CARRIERS;
  const client = connect(`${proxy.origin}/tieline`, carriers);
  const events = [];
  for (const kind of ["connecting", "connected", "disconnected", "closed"]) {
    client.on(kind, (event) => events.push({ at: performance.now(), kind, ...event }));
  }
  return { random, trouble, proxy, carriers, client, events };
}

async function run(name, isKept, members, story) {
  const subscribers = members.slice(0, 2).map(({ client }) => subscriberOf(client.channel(name)));
  story.subscribers = subscribers.map(({ events }) => events);
  const subscribed = subscribers.map(({ channel }) => channel.subscribe());
  const publishers = members.slice(2);
  const published = await Promise.all(publishers.map((publisher, index) => publish(publisher, name, index)));
  story.published = published;
  for (const { trouble, proxy } of members) {
    trouble.isCalm = true;
    proxy.release();
  }
  await Promise.all(subscribed);

  await reachEnd(publishers[0].client.channel(name), subscribers);

  const acknowledged = published.flat().filter(({ position }) => position);
  const known = subscribers.map(walk);
  for (const one of known) for (const publication of acknowledged) hasHeard(one, publication);
  const gaps = known.flatMap((one) => one.gaps);
  if (isKept) {
    // A log in which nothing stands yet has no epoch on disk.
    const lost = gaps.filter(({ from }) => from.offset > 0);
    assert.deepEqual(lost, [], "nothing is missing of what is on disk");
    const { publications } = await publishers[0].client.channel(name).history({ after: 0 });
    isWritten(publications, published);
  }
  return { acknowledged: acknowledged.length, gaps: gaps.length };
}

/** Publishes some, one after the other or several at once; answers what was acknowledged, and what was not. */
async function publish({ random, client }, name, index) {
  const channel = client.channel(name);
  const attempts = [];
  const count = between(random, 10, 30);
  for (let number = 0; number < count; number += 1) {
    const data = `${index}:${number}`;
    const attempt = channel.publish(data).then(
      ({ position }) => ({ data, position }),
      ({ code }) => ({ data, code }),
    );
    attempts.push(attempt);
    if (random() < 0.5) await attempt;
    else await sleep(between(random, 0, 20));
  }
  return Promise.all(attempts);
}

/** Throws unless the log has what was acknowledged where it was, each once, and of each publisher in its order. */
function isWritten(publications, published) {
  const log = publications.map(({ data }) => data);
  assert.equal(new Set(log).size, log.length, "nothing stands in the log twice");
  const byOffset = new Map(publications.map(({ offset, data }) => [offset, data]));
  for (const attempts of published) {
    for (const { data, position } of attempts) {
      if (position) assert.equal(byOffset.get(position.offset), data, `what stands at ${position.offset}`);
    }
    const own = attempts.map(({ data }) => data).filter((data) => log.includes(data));
    assert.deepEqual(
      log.filter((data) => own.includes(data)),
      own,
      "a publisher's order",
    );
  }
}

/** Publishes something behind which nothing is under way any more, and waits until every subscriber has come so far. */
async function reachEnd(channel, subscribers) {
  let ends = 0;
  let end;
  const publishEnd = async () => {
    ends += 1;
    ({ position: end } = await channel.publish(`end ${ends}`));
  };
  const isAtEnd = ({ channel: { position: at } }) => at?.epoch === end.epoch && at.offset >= end.offset;
  await publishEnd();
  const isDone = async () => {
    if (subscribers.every(isAtEnd)) return true;
    // What was in memory went with a server that was killed, the end with it.
    const { position } = await channel.history({ limit: 1 });
    if (position.epoch !== end.epoch) await publishEnd();
    return false;
  };
  await until("every subscriber is at the end", isDone, CALL_WITHIN_MS);
}
