// Starts the client in Python, once for each thing that it shows.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { check } from "../harness/checks.mjs";
import { folder } from "../harness/tieline.mjs";

const PYTHON = join(folder, "venv/bin/python");
const CLIENT = fileURLToPath(new URL("client.py", import.meta.url));

const SHOWN = [
  ["echo", "text, binary, empty and 1 MiB messages, fragments and a ping come back, and the close is answered"],
  ["deflate", "the same with permessage-deflate"],
  ["subprotocol", "a subprotocol that no route speaks is not chosen, and a key is answered"],
];

export async function checkPython(origin) {
  const over = `h2 and wsproto, over ${origin.startsWith("https") ? "TLS" : "plain TCP"}`;
  for (const [what, sentence] of SHOWN) {
    await check(`${over}: ${sentence}`, async () => {
      const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
      await promisify(execFile)(PYTHON, [CLIENT, what, origin], { env: environment, timeout: 50_000 });
    });
  }
}
