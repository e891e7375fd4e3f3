// The promise: every publication that was acknowledged reaches every subscriber once and in order, or it was told of the gap.

import assert from "node:assert/strict";

/** Writes down what a subscriber is told of its channel. */
export function subscriberOf(channel) {
  const events = [];
  for (const kind of ["subscribed", "publication", "gap", "error", "unsubscribed"]) {
    channel.on(kind, (event) => events.push({ at: performance.now(), kind, ...event }));
  }
  return { channel, events };
}

/** Walks through what a subscriber was told; throws where it is not once and in order. Answers what it knows. */
export function walk({ events }) {
  let at;
  /** Data by epoch and offset. */
  const heard = new Map();
  /** Where it was not: from one position (exclusive) to another (inclusive). */
  const gaps = [];
  for (const event of events) {
    if (event.kind === "subscribed") {
      at ??= event.position;
    } else if (event.kind === "gap") {
      assert.deepEqual(event.since, at, "a gap begins where the subscriber is");
      gaps.push({ from: at, to: event.position, reason: event.reason });
      at = event.position;
    } else if (event.kind === "publication") {
      assert.ok(at, "a publication before the subscription");
      assert.equal(event.offset, at.offset + 1, `${JSON.stringify(event.data)} is the next`);
      at = { ...at, offset: event.offset };
      heard.set(place(at), event.data);
    } else {
      assert.fail(`${event.kind}: ${JSON.stringify(event)}`);
    }
  }
  const start = events.find(({ kind }) => kind === "subscribed")?.position;
  return { start, at, heard, gaps };
}

/** Throws unless a subscriber heard this publication, or had not come yet, or was told of the gap. */
export function hasHeard({ start, heard, gaps }, { position, data }) {
  if (heard.has(place(position))) {
    assert.equal(heard.get(place(position)), data, `what stands at ${place(position)}`);
    return;
  }
  const { epoch, offset } = position;
  // It walked from epoch to epoch as they came: one that it never saw was over before it came, or was passed over by a gap.
  const isUnknown = [start, ...gaps.map(({ to }) => to)].every((seen) => seen.epoch !== epoch);
  const wasBefore = epoch === start.epoch && offset <= start.offset;
  const isInGap = gaps.some(({ from, to }) => {
    const isBehind = epoch === from.epoch && offset > from.offset;
    const isBefore = epoch === to.epoch && offset <= to.offset;
    return from.epoch === to.epoch ? isBehind && isBefore : isBehind || isBefore;
  });
  assert.ok(isUnknown || wasBefore || isInGap, `${data}, acknowledged at ${place(position)}, was not heard`);
}

const place = ({ epoch, offset }) => `${epoch}/${offset}`;
