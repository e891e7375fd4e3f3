// Starts the backend, and knows what it was asked.

import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { until, within } from "../harness/checks.mjs";
import { start } from "../harness/tieline.mjs";

const PROGRAM = fileURLToPath(new URL("backend.mjs", import.meta.url));

/** A backend: where it is, what it was asked so far, and waiting for more. */
export async function startBackend() {
  const child = start(process.execPath, [PROGRAM], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const [port] = await within(once(lines, "line"), "the backend listens");
  const asked = [];
  lines.on("line", (line) => asked.push(JSON.parse(line)));
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    asked,
    /** The requests to this path by this device, once there are so many. */
    async of(path, device, count = 1) {
      const own = () => asked.filter((it) => it.url === path && it.headers["x-ca-deviceid"] === device);
      await until(`${count} requests to ${path} by ${device}`, () => own().length >= count);
      return own();
    },
    /** The status that events are answered with from now on. */
    answerEvents: (status) => fetch(`${url}/control`, { method: "POST", body: String(status) }),
  };
}
