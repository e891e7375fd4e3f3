// The metrics of the operator's page: what is read, and which curves come of it.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { readMetrics } from "../src/operator/metrics/exposition.ts";
import { addSamples, emptyHistory, SPAN_MS, summaryOf } from "../src/operator/metrics/history.ts";
import { createMeter } from "../src/operator/metrics/meter.ts";
import type { Curve } from "../src/operator/metrics/panels.ts";

const OPEN: Curve = { label: "open", metric: "lines_open", isRate: false };
const IN: Curve = {
  label: "in",
  metric: "messages_total",
  isRate: true,
  of: ({ direction }) => direction === "in",
};

function text(open: number, messages: number): string {
  return [
    "# HELP lines_open Lines that are open.",
    "# TYPE lines_open gauge",
    `lines_open{listener="127.0.0.1:8080",route="/a\\"}, b"} ${open}`,
    `lines_open{listener="127.0.0.1:8080",route="/b"} 1`,
    `messages_total{direction="in"} ${messages}`,
    'messages_total{direction="out"} 1e3',
    "# EOF",
  ].join("\n");
}

function heard(...answers: readonly (readonly [at: number, open: number, messages: number])[]) {
  return answers.reduce(
    (history, [at, open, messages]) =>
      addSamples(history, [OPEN, IN], readMetrics(text(open, messages)), at),
    emptyHistory([OPEN, IN]),
  );
}

test("samples are read with their labels, whatever stands in them", () => {
  const samples = readMetrics(text(2, 3));
  assert.equal(samples.length, 4);
  assert.deepEqual(samples[0], {
    name: "lines_open",
    labels: { listener: "127.0.0.1:8080", route: '/a"}, b' },
    value: 2,
  });
  assert.equal(samples[3]?.value, 1000);
  assert.deepEqual(readMetrics("<!doctype html>\nnonsense"), []);
});

test("what is open is a sum, and what is counted is what it grows by in a second", () => {
  const { times, values } = heard([1000, 4, 10], [3000, 5, 30]);
  assert.deepEqual(times, [1000, 3000]);
  assert.deepEqual(values, [
    [5, 6],
    [null, 10],
  ]);
});

test("a server that counts from nothing again, and a while without answers, give no rate", () => {
  assert.deepEqual(heard([0, 1, 50], [2000, 1, 3]).values[1], [null, null]);
  const hole = heard([0, 1, 0], [2000, 1, 2], [60_000, 1, 100]);
  assert.deepEqual(hole.times, [0, 2000, 59_999, 60_000]);
  assert.deepEqual(hole.values, [
    [2, 2, null, 2],
    [null, 1, null, null],
  ]);
});

test("how long something takes is what its sum grows by with each", () => {
  const curve: Curve = { label: "ping", metric: "ping_sum", per: "ping_count", isRate: true };
  const answers = [
    [0, 1, 10],
    [2000, 2, 14],
    [4000, 2, 14],
    [6000, 2.5, 15],
  ] as const;
  const history = answers.reduce(
    (history, [at, sum, count]) =>
      addSamples(history, [curve], readMetrics(`ping_sum ${sum}\nping_count ${count}\n`), at),
    emptyHistory([curve]),
  );
  assert.deepEqual(history.values, [[null, 0.25, null, 0.5]]);
});

test("ten minutes are kept, and summed up", () => {
  const history = heard(
    [0, 9, 0],
    [2000, 1, 0],
    [2000 + SPAN_MS - 1, 3, 0],
    [2001 + SPAN_MS, 2, 4],
  );
  assert.equal(history.times[0], 2000 + SPAN_MS - 2);
  assert.deepEqual(summaryOf(history.values[0] ?? []), { now: 3, least: 3, most: 4 });
  assert.deepEqual(summaryOf([null]), { now: undefined, least: undefined, most: undefined });
});

test("it is asked every two seconds, and not while the page is hidden", async () => {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const page = Object.assign(new EventTarget(), { hidden: false });
  let asked = 0;
  const meter = createMeter(
    async () => {
      asked += 1;
      return text(1, asked);
    },
    page as unknown as Document,
  );
  const settle = async () => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  const pass = async (ms: number) => {
    mock.timers.tick(ms);
    await settle();
  };
  const stop = meter.start();
  await settle();
  assert.equal(asked, 1);
  await pass(1999);
  assert.equal(asked, 1);
  await pass(1);
  assert.equal(asked, 2);
  page.hidden = true;
  await pass(2000);
  await pass(60_000);
  assert.equal(asked, 2);
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  await settle();
  assert.equal(asked, 3);
  stop();
  await pass(60_000);
  assert.equal(asked, 3);
  mock.timers.reset();
});
