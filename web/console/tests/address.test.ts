// Where the page finds its server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { findServer } from "../src/address.ts";

function base(protocol: string, host: string, search = ""): string {
  return findServer({ protocol, host, search }).base;
}

test("the server is the host that the page came from", () => {
  assert.equal(base("http:", "example.org:8080"), "ws://example.org:8080");
  assert.equal(base("https:", "example.org"), "wss://example.org");
});

test("a page from disk has a default, and can be told", () => {
  assert.equal(base("file:", ""), "ws://127.0.0.1:8080");
  assert.equal(base("file:", "", "?server=ws://127.0.0.1:9001"), "ws://127.0.0.1:9001");
});

test("an address is read kindly", () => {
  assert.equal(base("file:", "", "?server=127.0.0.1:9001"), "ws://127.0.0.1:9001");
  assert.equal(base("file:", "", "?server=https://example.org/echo?x#y"), "wss://example.org");
});

test("what is no server's address is ignored", () => {
  for (const asked of ["", "javascript:alert(1)", "ftp://example.org", "ws://", "ws://a b"]) {
    const search = `?server=${encodeURIComponent(asked)}`;
    assert.equal(base("http:", "here:1", search), "ws://here:1", asked);
  }
});
