// The page in Chromium, over ws and wss, from disk and from elsewhere, and once in Firefox.

import { finish } from "../harness/checks.mjs";
import { startTieline } from "../harness/tieline.mjs";
import { startChromium, startFirefox } from "./browsers.mjs";
import { checkChatWithHixie76 } from "./chat_with_hixie76.mjs";
import { checkDemos } from "./demos.mjs";
import { checkEnding } from "./ending.mjs";
import { checkLooks } from "./looks.mjs";
import { checkOrigins } from "./origins.mjs";
import { openToDisk } from "./servers.mjs";

const byDefault = await startTieline({ flags: ["--legacy"] });
const configured = await openToDisk();
const [, secure] = configured.origins;

const chromium = await startChromium();
await checkDemos(chromium, byDefault.origins[0]);
await checkDemos(chromium, secure);
await checkLooks(chromium, byDefault.origins[0]);
await checkOrigins(chromium, byDefault, configured);
await checkChatWithHixie76(chromium, byDefault);

const firefox = await startFirefox();
await checkDemos(firefox, byDefault.origins[0]);
await checkDemos(firefox, secure);

await checkEnding(chromium, byDefault);
await Promise.all([chromium.close(), firefox.close(), configured.stop()]);
finish();
