// Our own clients of the dialect, in Rust and in TypeScript, as devices of our own gateway.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { check, until, within } from "../harness/checks.mjs";
import { client, start } from "../harness/tieline.mjs";
import { notify } from "./notifying.mjs";
import { DEVICE_APP } from "./server.mjs";

const SDK_CLIENT = fileURLToPath(new URL("sdk_client.mjs", import.meta.url));

export async function checkClients(server, backend) {
  for (const [name, command, ...first] of [
    ["tieline::gateway", client, "gateway"],
    ["tieline/gateway", process.execPath, SDK_CLIENT],
  ]) {
    await check(`${name}: registers, calls with signatures, hears notifications in order, and unregisters`, async () => {
      const device = await startDevice(command, [...first, server.ws("/"), DEVICE_APP.key, DEVICE_APP.secret]);
      await device.says("registered");
      for (const text of ["one#two", "three\u2028ü"]) assert.equal((await notify(server, device.id, text)).status, 200);
      await device.says("heard one#two");
      await device.says("heard three\u2028ü");
      await device.leaves(server, "/notify");
      const [asked] = await backend.of("/register", device.id);
      assert.equal(asked.method, "POST");
    });
    await check(`${name}: obeys CR, comes back as the same device, and registers again`, async () => {
      const device = await startDevice(command, [...first, server.ws("/short"), DEVICE_APP.key, DEVICE_APP.secret]);
      await device.says("registered");
      await device.says("disconnected");
      await device.says("registered", 2);
      await backend.of("/register", device.id, 2);
      await device.leaves(server, "/short/notify");
    });
  }
}

/** Starts a device; what it says is waited for line by line. */
async function startDevice(command, args) {
  const child = start(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  const lines = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const says = (line, count = 1) => until(line, () => lines.filter((it) => it === line).length >= count);
  const named = await until("its name", () => lines.find((line) => line.startsWith("device ")));
  const id = named.slice("device ".length);
  return {
    id,
    says,
    /** Tells it to go; it unregisters, and ends well. */
    async leaves(server, path) {
      const { status } = await notify(server, id, "bye", { path });
      // Between two lines it is stored, and told on the next.
      assert.ok(status === 200 || status === 202, `${status}`);
      await says("unregistered 200");
      assert.equal((await within(ended, "its end"))[0], 0);
    },
  };
}
