// Bash in a terminal, driven by Chromium through xterm.js; pages that may not come; commands and a shell on a page.

import { startChromium } from "../browser/browsers.mjs";
import { finish } from "../harness/checks.mjs";
import { checkAudit } from "./audit.mjs";
import { checkCommands } from "./commands.mjs";
import { checkIntruders, REBOUND } from "./intruders.mjs";
import { checkLooks } from "./looks.mjs";
import { checkRecordings } from "./recordings.mjs";
import { checkSessions } from "./sessions.mjs";
import { checkTyping } from "./typing.mjs";

const chromium = await startChromium([
  // A name of somebody else's that leads to this machine, as after a rebinding.
  `--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`,
  // Not every browser keeps pages of elsewhere from this machine: it is the server that has to.
  "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights",
]);
await checkTyping(chromium);
await checkSessions(chromium);
await checkRecordings(chromium);
await checkAudit(chromium);
await checkIntruders(chromium);
await checkCommands(chromium);
await checkLooks(chromium);
await chromium.close();
finish();
