// The page in Chromium, over ws and wss, from disk and from elsewhere, and the operator's page; then the page in Firefox.

import { startBackend } from "../gateway/backend_process.mjs";
import { startOperated } from "../gateway/server.mjs";
import { finish } from "../harness/checks.mjs";
import { startTieline } from "../harness/tieline.mjs";
import { startChromium, startFirefox } from "./browsers.mjs";
import { checkChannels, checkTalking } from "./channels.mjs";
import { checkChatWithHixie76 } from "./chat_with_hixie76.mjs";
import { checkDemos } from "./demos.mjs";
import { checkEnding } from "./ending.mjs";
import { checkInspector } from "./inspector.mjs";
import { checkLooks } from "./looks.mjs";
import { checkMetrics } from "./metrics.mjs";
import { checkOperatorsChannels } from "./operators_channels.mjs";
import { checkOperatorsPage } from "./operators_page.mjs";
import { checkOrigins } from "./origins.mjs";
import { checkRpc } from "./rpc.mjs";
import { openToDisk, startGuarded } from "./servers.mjs";

const backend = await startBackend();

/** Servers of a browser's own: what one does is nothing to the other. */
async function startServers() {
  return { byDefault: await startTieline({ flags: ["--legacy"] }), configured: await openToDisk() };
}

async function inChromium({ byDefault, configured }, guarded, operated) {
  const [plain, secure] = configured.origins;
  const chromium = await startChromium();
  await checkDemos(chromium, byDefault.origins[0]);
  await checkDemos(chromium, secure);
  await checkRpc(chromium, plain);
  await checkRpc(chromium, secure);
  await checkChannels(chromium, byDefault.origins[0], guarded);
  await checkLooks(chromium, plain);
  await checkOrigins(chromium, byDefault, configured);
  await checkChatWithHixie76(chromium, byDefault);
  await checkOperatorsPage(chromium, operated);
  await checkOperatorsChannels(chromium);
  await checkInspector(chromium);
  await checkMetrics(chromium);
  await checkEnding(chromium, byDefault);
  await Promise.all([chromium.close(), configured.stop(), guarded.stop()]);
}

async function inFirefox({ byDefault, configured }) {
  const firefox = await startFirefox();
  await checkDemos(firefox, byDefault.origins[0]);
  await checkDemos(firefox, configured.origins[1]);
  await checkTalking(firefox, byDefault.origins[0]);
  await Promise.all([firefox.close(), configured.stop(), byDefault.stop()]);
}

// One after the other: the driver of Firefox loses what it was told while the machine is busy with another browser.
await inChromium(await startServers(), await startGuarded(), await startOperated(backend));
await inFirefox(await startServers());
finish();
