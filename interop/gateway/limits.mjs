// Lines that do not do what a device does in time.

import assert from "node:assert/strict";
import { check } from "../harness/checks.mjs";
import { bind, call, envelope, open, register } from "./device.mjs";

export async function checkLimits(server) {
  await check("limit: no RG in time ends the line with 1008", async () => {
    assert.equal((await (await open(server, "/strict")).closed()).code, 1008);
  });
  await check("limit: no REGISTER in time ends the line with 1008, and one that came does not", async () => {
    const good = await register(server, { path: "/strict" });
    assert.equal((await (await bind(server, { path: "/strict" })).closed()).code, 1008);
    assert.equal((await call(good, envelope({ path: "/echo" }))).status, 200);
  });
  await check("limit: no heartbeat for three times keep_alive ends the line with 1008", async () => {
    const line = await bind(server, { path: "/beats" });
    assert.equal(line.millis, 1_000);
    assert.equal((await line.closed()).code, 1008);
  });
}
