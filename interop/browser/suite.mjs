// The page in Chromium, over ws and wss, from disk and from elsewhere, once in Firefox, and the operator's page.

import { startBackend } from "../gateway/backend_process.mjs";
import { startOperated } from "../gateway/server.mjs";
import { finish } from "../harness/checks.mjs";
import { startTieline } from "../harness/tieline.mjs";
import { startChromium, startFirefox } from "./browsers.mjs";
import { checkChannels, checkTalking } from "./channels.mjs";
import { checkChatWithHixie76 } from "./chat_with_hixie76.mjs";
import { checkDemos } from "./demos.mjs";
import { checkEnding } from "./ending.mjs";
import { checkLooks } from "./looks.mjs";
import { checkMetrics } from "./metrics.mjs";
import { checkOperatorsChannels } from "./operators_channels.mjs";
import { checkOperatorsPage } from "./operators_page.mjs";
import { checkOrigins } from "./origins.mjs";
import { checkRpc } from "./rpc.mjs";
import { openToDisk, startGuarded } from "./servers.mjs";

const byDefault = await startTieline({ flags: ["--legacy"] });
const configured = await openToDisk();
const [plain, secure] = configured.origins;
const guarded = await startGuarded();

const chromium = await startChromium();
await checkDemos(chromium, byDefault.origins[0]);
await checkDemos(chromium, secure);
await checkRpc(chromium, plain);
await checkRpc(chromium, secure);
await checkChannels(chromium, byDefault.origins[0], guarded);
await checkLooks(chromium, plain);
await checkOrigins(chromium, byDefault, configured);
await checkChatWithHixie76(chromium, byDefault);
await checkOperatorsPage(chromium, await startOperated(await startBackend()));
await checkOperatorsChannels(chromium);
await checkMetrics(chromium);

const firefox = await startFirefox();
await checkDemos(firefox, byDefault.origins[0]);
await checkDemos(firefox, secure);
await checkTalking(firefox, byDefault.origins[0]);

await checkEnding(chromium, byDefault);
await Promise.all([chromium.close(), firefox.close(), configured.stop(), guarded.stop()]);
finish();
