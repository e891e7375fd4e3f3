// The pages of the suite, from disk, with our TypeScript client as it was built.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PASS, startProxy } from "../harness/proxy.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const SDK = fileURLToPath(new URL("../../web/sdk/dist/", import.meta.url));

/** What stands at a path, where something does. */
export function pages(path) {
  if (path === "/") return { type: "text/html; charset=utf-8", body: readFileSync(`${HERE}page.html`) };
  const file = path.startsWith("/sdk/") ? SDK + path.slice("/sdk/".length) : HERE + path.slice(1);
  if (!/\.m?js$/.test(file) || !existsSync(file)) return undefined;
  return { type: "text/javascript", body: readFileSync(file) };
}

/** Serves the pages, and nothing else. */
export function servePages() {
  return startProxy(0, () => ({ ...PASS, times: 0 }), pages);
}
