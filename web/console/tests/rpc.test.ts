// What JSON-RPC answers, held against what was asked.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createCalls, parseParams } from "../src/demos/rpc_calls.ts";

test("an answer belongs to its call, whatever the order", () => {
  const calls = createCalls();
  const first = calls.ask({ method: "a", params: [1] }, 10);
  assert.equal(first, '{"jsonrpc":"2.0","id":1,"method":"a","params":[1]}');
  assert.equal(
    calls.ask({ method: "b", params: undefined }, 11),
    '{"jsonrpc":"2.0","id":2,"method":"b"}',
  );
  assert.deepEqual(calls.hear('{"jsonrpc":"2.0","id":2,"result":true}', 15), [
    { kind: "answer", method: "b", span: 4, text: "true" },
  ]);
  assert.deepEqual(
    calls.hear('{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such method"}}', 20),
    [{ kind: "error", method: "a", span: 10, text: "-32601 no such method" }],
  );
});

test("a push, a second answer and nonsense are told apart", () => {
  const calls = createCalls();
  calls.ask({ method: "a", params: [] }, 0);
  const kinds = [
    '{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":7}}',
    '{"jsonrpc":"2.0","id":1,"result":null}',
    '{"jsonrpc":"2.0","id":1,"result":null}',
    "[1]",
    "{",
  ].flatMap((text) => calls.hear(text, 1).map((news) => news.kind));
  assert.deepEqual(kinds, ["push", "answer", "unasked", "unasked", "unasked"]);
});

test("a batch is several answers", () => {
  const calls = createCalls();
  calls.ask({ method: "a", params: [] }, 0);
  calls.ask({ method: "b", params: [] }, 0);
  const batch = '[{"jsonrpc":"2.0","id":2,"result":2},{"jsonrpc":"2.0","id":1,"result":1}]';
  assert.deepEqual(
    calls.hear(batch, 0).map((news) => news.text),
    ["2", "1"],
  );
});

test("after the line is gone nobody answers", () => {
  const calls = createCalls();
  calls.ask({ method: "a", params: [] }, 0);
  calls.forget();
  assert.equal(calls.hear('{"jsonrpc":"2.0","id":1,"result":1}', 0)[0]?.kind, "unasked");
});

test("params are an array, an object or nothing", () => {
  assert.deepEqual(parseParams(" "), { params: undefined });
  assert.deepEqual(parseParams("[1]"), { params: [1] });
  assert.deepEqual(parseParams('{"a":1}'), { params: { a: 1 } });
  for (const text of ["1", "null", "[", '"x"']) assert.ok("why" in parseParams(text), text);
});
