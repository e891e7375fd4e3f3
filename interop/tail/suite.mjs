// Lines of files on the page: as they are written, filtered, at 10,000 a second, and what is missing of them; and of
// files of another machine, over SSH.

import { startChromium } from "../browser/browsers.mjs";
import { finish } from "../harness/checks.mjs";
import { checkHosts } from "./hosts.mjs";
import { checkPace } from "./pace.mjs";
import { checkPage } from "./page.mjs";
import { checkSsh } from "./ssh.mjs";
import { startSshd } from "./sshd.mjs";

const chromium = await startChromium();
await checkPage(chromium);
await checkPace(chromium);
await chromium.close();

const sshd = await startSshd();
await checkSsh(sshd);
await checkHosts(sshd);
await sshd.kill();
finish();
