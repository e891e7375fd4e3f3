// The two families of clients in each situation that is known of them.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { answer, bind, call, envelope, newId, open, register, say } from "./device.mjs";
import { notify } from "./notifying.mjs";

export async function checkFamilies(server, backend) {
  await check("Java: calls at once behind RG, registers after RO, keeps its sequence over a reconnect", async () => {
    const line = await open(server);
    const id = newId();
    line.send(`RG#${id}`);
    for (const seq of ["0", "1"]) line.send(envelope({ path: "/echo", headers: { "x-ca-seq": seq } }));
    assert.match(await line.next(), /^RO#/);
    for (const seq of ["0", "1"]) assert.equal((await answer(line)).header["x-ca-seq"], seq);
    assert.equal((await say(line, "REGISTER", { seq: "2" })).header["x-ca-seq"], "2");
    line.socket.close(1000, "Reconnect");
    const again = await bind(server, { id });
    assert.equal((await say(again, "REGISTER", { seq: "3" })).header["x-ca-seq"], "3");
  });
  await check("Java: after CR it says good-bye with 1000, comes back and has missed nothing", async () => {
    const first = await register(server, { path: "/short" });
    assert.equal(await first.next(), "CR");
    // It still hears on the old line until it has left.
    assert.equal((await notify(server, first.id, "1")).status, 200);
    assert.equal(await first.next(), "NF#1");
    first.socket.close(1000, "Reconnect");
    await first.closed();
    assert.equal((await notify(server, first.id, "2")).status, 202);
    const second = await register(server, { path: "/short", id: first.id });
    assert.equal(await second.next(), "NF#2");
  });
  await check("Java: a connection that is reset is no session any more, and the next takes over", async () => {
    const first = await register(server);
    first.socket._socket.resetAndDestroy();
    const second = await register(server, { id: first.id });
    assert.equal((await notify(server, first.id, "after the reset")).status, 200);
    assert.equal(await second.next(), "NF#after the reset");
  });
  await check("Objective-C: at /websocket, texts for headers, a device id of its own, H1 every second until HO", async () => {
    const line = await bind(server, { path: "/websocket" });
    const text = JSON.stringify(
      { method: "POST", path: "/echo", headers: { "x-ca-seq": "1", "x-ca-deviceid": "false@1" }, isBase64: "0", body: "b" },
      null,
      2,
    );
    assert.equal((await call(line, text)).header["x-ca-seq"], "1");
    assert.equal((await backend.of("/echo", line.id)).length, 1);
    line.send("H1");
    assert.equal(await line.next(), `HO#${line.credential}`);
  });
  await check("Objective-C: on CR it opens a new line without closing the old, which the gateway ends", async () => {
    const older = await register(server, { path: "/short" });
    assert.equal(await older.next(), "CR");
    const newer = await register(server, { path: "/short", id: older.id });
    assert.equal((await older.closed()).code, 1000);
    assert.equal((await notify(server, newer.id, "here")).status, 200);
    assert.equal(await newer.next(), "NF#here");
  });
  await check("C++: every header of a response is one text", async () => {
    const line = await bind(server);
    const { header } = await call(line, envelope({ path: "/many", headers: { "x-ca-seq": "1" } }));
    for (const value of Object.values(header)) assert.equal(typeof value, "string");
    assert.equal(header["x-many"], "a, b");
    assert.ok(!("connection" in header) && !("transfer-encoding" in header));
  });
  await check("both: too much is told OS, nobody is thrown out for it, and a new line is as good as ever", async () => {
    const line = await bind(server, { path: "/busy" });
    for (let text = 0; text < 15; text += 1) line.send("XY");
    assert.equal(await line.next(), "OS");
    const { status, header } = await call(line, envelope({ path: "/echo", headers: { "x-ca-seq": "1" } }));
    assert.deepEqual([status, header["x-ca-error-code"]], [429, "T429OS"]);
    const again = await bind(server, { path: "/busy", id: line.id });
    assert.equal((await call(again, envelope({ path: "/echo" }))).status, 200);
  });
  await check("both: devices that come all at once are never refused by HTTP: they are bound in their turn, or told OS", async () => {
    const lines = await Promise.all(Array.from({ length: 200 }, () => open(server, "/paced")));
    for (const line of lines) line.send(`RG#${newId()}`);
    const words = await Promise.all(lines.map(async (line) => (await line.next()).slice(0, 2)));
    const told = (word) => words.filter((it) => it === word).length;
    assert.equal(told("RO") + told("OS"), 200);
    assert.ok(told("RO") >= 160 && told("OS") > 0, `${told("RO")} bound, ${told("OS")} told OS`);
  });
}
