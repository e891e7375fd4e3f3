// The two signatures that are known of the real clients, made here and checked by the server.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { bind, call, envelope } from "./device.mjs";
import { DEVICE_APP } from "./server.mjs";
import { signature } from "./signing.mjs";

const COMMON = {
  "x-ca-seq": "0",
  "x-ca-key": "12344133",
  "x-ca-timestamp": "1525872629832",
  "x-ca-nonce": "c9f15cbf-f4ac-4a6c-b54d-f51abf4b5b44",
  accept: "application/json; charset=utf-8",
  "content-type": "application/x-www-form-urlencoded; charset=utf-8",
};
const BODY = "username=xiaoming&password=123456789";

const VECTORS = [
  {
    name: "the documents' request",
    path: "/http2test/test",
    querys: { param1: "test" },
    headers: { ...COMMON, date: "Wed, 09 May 2018 13:30:29 GMT+00:00" },
    names: ["x-ca-nonce", "x-ca-seq", "x-ca-key", "x-ca-timestamp"],
    expected: "WxkNac9D6c+/MUJDjo7xULMYWIjcfFxwZULurpqBUJA=",
  },
  {
    name: "the Java client's REGISTER",
    path: "/register",
    querys: {},
    headers: {
      ...COMMON,
      date: "Wed, 09 May 2018 13:30:29 GMT",
      "x-ca-signature-method": "HmacSHA256",
      "x-ca-websocket_api_type": "REGISTER",
    },
    names: ["x-ca-seq", "x-ca-key", "x-ca-signature-method", "x-ca-websocket_api_type", "x-ca-timestamp", "x-ca-nonce"],
    expected: "+P795mrygoiVizkdg/ftSTNAj2KMTJSnHkjxYLpxKrA=",
  },
];

export async function checkVectors(server) {
  for (const { name, path, querys, headers, names, expected } of VECTORS) {
    await check(`signature: ${name} has the signature that is known, and the server finds it right and too old`, async () => {
      const made = { method: "POST", path, querys, headers, body: BODY };
      assert.equal(signature(made, names, DEVICE_APP.secret), expected);
      const line = await bind(server);
      const say = (signed) =>
        envelope({
          ...made,
          headers: { ...headers, "x-ca-signature-headers": names.join(","), "x-ca-signature": signed },
        });
      const code = async (signed) => (await call(line, say(signed))).header["x-ca-error-code"];
      // What is wrong is told before what is old: the signature was checked, and is good.
      assert.equal(await code(expected), "A403TS");
      assert.equal(await code(expected.replace(/^./, "A")), "A403SI");
    });
  }
}
