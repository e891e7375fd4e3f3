// A page in Chromium whose ways to the server are blocked one after the other, and freed again.

import { startChromium } from "../browser/browsers.mjs";
import { finish } from "../harness/checks.mjs";
import { startTieline } from "../harness/tieline.mjs";
import { checkBlocked } from "./blocked.mjs";
import { checkPages } from "./pages.mjs";
import { servePages } from "./site.mjs";

// Pages of another origin, some of which may come; their port is known first.
const elsewhere = await servePages(0);
const stranger = await servePages(0);

const server = await startTieline({
  config: `
[[listener]]
address = "127.0.0.1:0"

[namespace.chat]
history = 10000
history_bytes = 10000000
publish = "all"

[[route]]
path = "/tieline"
origins = ["same-origin", "${elsewhere.origin}"]
service = { kind = "channels" }
`,
});

const chromium = await startChromium();
await checkBlocked(chromium, server);
await checkPages(chromium, server, elsewhere, stranger);
await chromium.close();
finish();
