// Lines of files on the page: as they are written, filtered, at 10,000 a second, and what is missing of them.

import { startChromium } from "../browser/browsers.mjs";
import { finish } from "../harness/checks.mjs";
import { checkPage } from "./page.mjs";
import { checkPace } from "./pace.mjs";

const chromium = await startChromium();
await checkPage(chromium);
await checkPace(chromium);
await chromium.close();
finish();
