// WebSocket over HTTP/2 (RFC 8441) by Chromium, by Node's http2 with npm ws, and by PyPI h2 with wsproto.

import { finish } from "../harness/checks.mjs";
import { checkChromium } from "./chromium.mjs";
import { checkEnding, checkNode } from "./node.mjs";
import { checkPython } from "./python.mjs";
import { openBoth } from "./servers.mjs";

const server = await openBoth();
const [plain, secure] = server.origins;
await checkChromium(secure);
for (const origin of [plain, secure]) {
  await checkNode(origin);
  await checkPython(origin);
}
await checkEnding(server, secure);
finish();
