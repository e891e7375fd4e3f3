// What clients send beside the plain session: other shapes, other orders, and what is wrong.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { answer, bind, call, envelope, newId, open, register, say, signedEnvelope } from "./device.mjs";
import { notify } from "./notifying.mjs";
import { DEVICE_APP } from "./server.mjs";

export async function checkFixtures(server, backend) {
  await check("fixture: headers as texts, of any case, and pretty-printed JSON", async () => {
    const line = await bind(server);
    const text = JSON.stringify({ path: "/echo", headers: { "X-CA-SEQ": "5", CA_VERSION: "1" }, method: "POST", body: "b" }, null, 2);
    const response = await call(line, text);
    assert.deepEqual([response.status, response.header["x-ca-seq"], response.body], [200, "5", "POST /echo b"]);
    const [asked] = await backend.of("/echo", line.id);
    assert.equal(asked.headers.ca_version, "1");
  });
  for (const [flag, body] of [["1", "hi"], ['"1"', "hi"], ["true", "hi"], ["0", "aGk="], ["false", "aGk="], [undefined, "aGk="]]) {
    await check(`fixture: isBase64 ${flag ?? "absent"} leaves a body of ${body}`, async () => {
      const line = await bind(server);
      const text = `{"method":"POST","path":"/echo","headers":{},${flag ? `"isBase64":${flag},` : ""}"body":"aGk="}`;
      assert.equal((await call(line, text)).body, `POST /echo ${body}`);
    });
  }
  await check("fixture: querys and body absent or null, unknown fields, any order of keys", async () => {
    const line = await bind(server);
    for (const rest of ["", ',"querys":null,"body":null', ',"x":[{}],"body":""']) {
      assert.equal((await call(line, `{"path":"/echo"${rest},"method":"GET"}`)).body, "GET /echo ");
    }
    const query = await call(line, '{"method":"GET","path":"/echo","querys":{"a":"1 2","b":"&"}}');
    assert.equal(query.body, "GET /echo?a=1%202&b=%26 ");
  });
  for (const path of ["/", "/websocket", "/any/path?at=all"]) {
    await check(`fixture: a line opens at ${path}`, () => bind(server, { path }));
  }
  await check("fixture: COMMON before RO is answered after it", async () => {
    const line = await open(server);
    const id = newId();
    line.send(`RG#${id}`);
    line.send(envelope({ path: "/echo", headers: { "x-ca-seq": "1" }, body: "early" }));
    assert.match(await line.next(), /^RO#/);
    assert.equal((await answer(line)).body, "POST /echo early");
    await backend.of("/echo", id);
  });
  await check("fixture: a call before RG is told so", async () => {
    const line = await open(server);
    const refused = await call(line, envelope({ path: "/echo", headers: { "x-ca-seq": "1" } }));
    assert.deepEqual([refused.header["x-ca-error-code"], refused.header["x-ca-seq"]], ["I400RG", "1"]);
  });
  await check("fixture: calls with one sequence are answered each, in order", async () => {
    const line = await bind(server);
    for (const body of ["1", "2", "3"]) line.send(envelope({ path: "/echo", headers: { "x-ca-seq": "0" }, body }));
    for (const body of ["1", "2", "3"]) {
      const response = await answer(line);
      assert.deepEqual([response.header["x-ca-seq"], response.body], ["0", `POST /echo ${body}`]);
    }
  });
  await check("fixture: a second RG on one line is told the same RO, one for another device is refused", async () => {
    const line = await bind(server);
    line.send(`RG#${line.id}`);
    assert.equal(await line.next(), `RO#${line.credential}#25000`);
    line.send("RG#another@1");
    assert.equal(await line.next(), "RF#AlreadyBound");
  });
  await check("fixture: RG for a live device ends the older line and the newer is notified", async () => {
    const older = await register(server);
    const newer = await register(server, { id: older.id });
    assert.equal((await older.closed()).code, 1000);
    assert.equal((await notify(server, newer.id, "to the newer")).status, 200);
    assert.equal(await newer.next(), "NF#to the newer");
  });
  await check("fixture: a false x-ca-deviceid is replaced, in COMMON and in REGISTER", async () => {
    const line = await bind(server);
    const headers = { "x-ca-deviceid": "another@1" };
    await call(line, envelope({ path: "/echo", headers }));
    await backend.of("/echo", line.id);
    await call(line, signedEnvelope({ path: "/register", headers }));
    await backend.of("/register", line.id);
    assert.ok(!backend.asked.some((it) => it.headers["x-ca-deviceid"] === "another@1"));
  });
  await check("fixture: a device id without an app, and one that cannot be", async () => {
    await bind(server, { id: "ab12cd34" });
    const line = await open(server);
    for (const id of ["", "a b", "a\u0001", "x".repeat(129)]) {
      line.send(`RG#${id}`);
      assert.equal(await line.next(), "RF#InvalidDeviceId");
    }
  });
  await check("fixture: a payload of NF has #, newlines, quotes and every script in it", async () => {
    const line = await register(server);
    const payload = "a#b##\n\r\n {\"x\": '世界 🦀'} NF#";
    assert.equal((await notify(server, line.id, payload)).status, 200);
    assert.equal(await line.next(), `NF#${payload}`);
  });
  await check("fixture: a flood of H1 is answered a bounded number of times, and the line lives", async () => {
    const line = await bind(server);
    for (let beat = 0; beat < 60; beat += 1) line.send("H1");
    line.send(envelope({ path: "/echo", body: "after" }));
    let beats = 0;
    for (;;) {
      const text = await line.next();
      if (text.startsWith("{")) break;
      assert.equal(text, `HO#${line.credential}`);
      beats += 1;
    }
    assert.ok(beats >= 4 && beats <= 8, `${beats} answers`);
  });
  await check("fixture: the text HO from a device, and what is no word, change nothing", async () => {
    const line = await bind(server);
    for (const text of ["HO", `HO#${line.credential}`, "NO", "CR", "OS", "XYZ#1", "", "RF#x"]) line.send(text);
    assert.equal((await call(line, envelope({ path: "/echo" }))).status, 200);
    line.send(Buffer.from("binary"));
    assert.equal((await line.closed()).code, 1003);
  });
  await check("fixture: what is wrong is told with its code and its sequence", async () => {
    const line = await bind(server);
    for (const [text, code] of [
      ["{", "I400BD"],
      ['{"path":"echo","headers":{"x-ca-seq":"1"}}', "I400PA"],
      ['{"path":"/echo","headers":{"x-ca-seq":"1","a":"b\\r\\nc: d"}}', "I400HD"],
      [envelope({ path: "/nowhere", headers: { "x-ca-seq": "1" } }), "I404NF"],
      [envelope({ path: "/orders/%2e%2e", headers: { "x-ca-seq": "1" } }), "I404NF"],
      [envelope({ path: `/${"x".repeat(9_000)}`, headers: { "x-ca-seq": "1" } }), "I413UL"],
      [envelope({ path: "/register", headers: { "x-ca-seq": "1", "x-ca-websocket_api_type": "UNREGISTER" } }), "I400TY"],
      [envelope({ path: "/signed", headers: { "x-ca-seq": "1" } }), "I400MH"],
      [signedEnvelope({ path: "/signed", headers: { "x-ca-seq": "1" } }, { key: "12344133", secret: "wrong" }), "A403SI"],
      [signedEnvelope({ path: "/signed", headers: { "x-ca-seq": "1" } }, { key: "unknown", secret: "wrong" }), "A400IK"],
    ]) {
      const { header, status } = await call(line, text);
      assert.equal(header["x-ca-error-code"], code, text);
      assert.equal(header["x-ca-seq"], text === "{" ? undefined : "1");
      assert.ok(status >= 400 && header["x-ca-error-message"].length > 0);
    }
  });
  await check("fixture: a signed call is good once, by HmacSHA256 and HmacSHA1", async () => {
    const line = await bind(server);
    for (const method of ["HmacSHA256", "HmacSHA1"]) {
      const text = signedEnvelope({ path: "/signed", headers: { "x-ca-seq": "1" }, body: "x" }, { ...DEVICE_APP, method });
      assert.equal((await call(line, text)).status, 200);
      assert.equal((await call(line, text)).header["x-ca-error-code"], "A403NU");
    }
  });
  await check("fixture: a REGISTER that the backend refuses passes through and registers nobody", async () => {
    const line = await bind(server);
    assert.equal((await say(line, "REGISTER", { body: "refuse me" })).status, 403);
    assert.equal((await notify(server, line.id, "x")).status, 404);
  });
}
