// Real old clients: hixie-76, versions 7, 8 and 13, and hixie-75 by the bytes it sends.

import { finish } from "../harness/checks.mjs";
import { startTieline } from "../harness/tieline.mjs";
import { checkHixie75 } from "./hixie75.mjs";
import { checkHixie76 } from "./hixie76.mjs";
import { checkHybi } from "./hybi.mjs";

const tolerant = await startTieline({ flags: ["--legacy"] });
const strict = await startTieline();
await checkHixie76(tolerant, strict);
await checkHixie75(tolerant, strict);
await checkHybi(tolerant, strict);
await Promise.all([tolerant.stop(), strict.stop()]);
finish();
