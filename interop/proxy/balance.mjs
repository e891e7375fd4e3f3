// Several upstreams: the one with least to do is asked, and one that dies is asked no more.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { closesWith, hears } from "../harness/line.mjs";
import { startTieline } from "../harness/tieline.mjs";
import { ask } from "./http.mjs";
import { connect } from "./lines.mjs";
import { openWs, route } from "./servers.mjs";

export async function checkBalance() {
  const [first, second] = [await openWs("first"), await openWs("second")];
  const upstreams = [first.origin, second.origin];
  const health = 'health = { path = "/head", every = "100ms", within = "5s", rise = 1, fall = 1 }';
  const proxy = await startTieline({
    config: `[[listener]]\naddress = "127.0.0.1:0"\n${route("/app", upstreams)}\n${route("/checked", upstreams, health)}`,
  });
  const url = proxy.ws("/app");
  await check("ten lines to two upstreams are five each", async () => {
    const lines = [];
    for (let time = 0; time < 10; time += 1) lines.push(await connect(url));
    assert.deepEqual([first.lines(), second.lines()], [5, 5]);
    for (const line of lines) await closesWith(line, 1000);
    await until("they are gone", () => first.lines() + second.lines() === 0);
  });
  await check("where one upstream dies, the other is asked, and nobody is refused", async () => {
    const lines = [await connect(url), await connect(url)];
    await first.die();
    const codes = [];
    for (const line of lines) {
      line.send("who");
      codes.push(await Promise.race([line.next(), line.closed().then(({ code }) => code)]));
    }
    assert.deepEqual(codes.sort(), [1014, "second"]);
    for (let time = 0; time < 6; time += 1) {
      const line = await connect(url);
      line.send("who");
      await hears(line, "second");
      await closesWith(line, 1000);
      assert.equal((await ask(proxy.http("/app/head"))).status, 200);
    }
  });
  await check("health checks take out an upstream before anybody has to ask it, and none alive is 503", async () => {
    await second.die();
    await until("503", async () => (await ask(proxy.http("/checked/head"))).status === 503);
    const { headers, body } = await ask(proxy.http("/checked/head"));
    assert.match(headers["retry-after"], /^\d+$/);
    assert.equal(body, "no upstream is alive\n");
  });
  await proxy.stop();
}
