// Starts the client in Python.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { check } from "../harness/checks.mjs";
import { folder } from "../harness/tieline.mjs";

const PYTHON = join(folder, "venv/bin/python");
const CLIENT = fileURLToPath(new URL("client.py", import.meta.url));

export async function checkPython(proxy, name) {
  await check(`websockets through to ${name}: every kind of message, plain and compressed, and the close`, async () => {
    const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
    await promisify(execFile)(PYTHON, [CLIENT, proxy.ws(`/${name}`)], { env: environment, timeout: 50_000 });
  });
}
