// Signatures, by the gateway's own examples.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { type Call, call, form, text } from "../../src/gateway/call.ts";
import { md5 } from "../../src/gateway/md5.ts";
import { hmac, sign, stringToSign } from "../../src/gateway/signature.ts";

const CREDENTIALS = { key: "12344133", secret: "test-secret" };
const STAMP = { timestampMs: 1525872629832, nonce: "c9f15cbf-f4ac-4a6c-b54d-f51abf4b5b44" };

/** The request of the gateway's own documentation. */
function documented(path: string, more: Partial<Call>): Call {
  return call("POST", path, {
    body: form({ username: "xiaoming", password: "123456789" }),
    ...more,
    headers: {
      accept: "application/json; charset=utf-8",
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      "x-ca-seq": "0",
      ...more.headers,
    },
  });
}

test("the documented call has the documented signature", async () => {
  const documentedCall = documented("/http2test/test", {
    query: { param1: "test" },
    headers: {
      date: "Wed, 09 May 2018 13:30:29 GMT+00:00",
      "x-ca-key": "12344133",
      "x-ca-timestamp": "1525872629832",
      "x-ca-nonce": STAMP.nonce,
    },
  });
  const names = ["x-ca-key", "x-ca-nonce", "x-ca-seq", "x-ca-timestamp"];
  const signed = stringToSign(documentedCall, names);
  const last = "\n/http2test/test?param1=test&password=123456789&username=xiaoming";
  assert.ok(signed.endsWith(last), signed);
  assert.equal(await hmac("test-secret", signed), "WxkNac9D6c+/MUJDjo7xULMYWIjcfFxwZULurpqBUJA=");
});

test("a registration is signed as the Java client signs it", async () => {
  const unsigned = documented("/register", {
    headers: { date: "Wed, 09 May 2018 13:30:29 GMT", "x-ca-websocket_api_type": "REGISTER" },
  });
  const { headers } = await sign(unsigned, CREDENTIALS, STAMP);
  assert.equal(headers["x-ca-signature"], "+P795mrygoiVizkdg/ftSTNAj2KMTJSnHkjxYLpxKrA=");
  assert.equal(
    headers["x-ca-signature-headers"],
    "x-ca-key,x-ca-nonce,x-ca-seq,x-ca-signature-method,x-ca-timestamp,x-ca-websocket_api_type",
  );
  assert.equal(headers["content-md5"], undefined);
});

test("a body that is no form is signed by its digest", async () => {
  const { headers } = await sign(call("POST", "/x", { body: text("{}") }), CREDENTIALS, STAMP);
  assert.equal(headers["content-md5"], "mZFLkyvTelC5g8XnyQrpOw==");
});

test("MD5 is Node's MD5, whatever the length", () => {
  for (let length = 0; length < 200; length += 1) {
    const message = Uint8Array.from({ length }, (_, i) => (i * 31) & 0xff);
    const expected = createHash("md5").update(message).digest("hex");
    assert.equal(Buffer.from(md5(message)).toString("hex"), expected, `${length} bytes`);
  }
});
