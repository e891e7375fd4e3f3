// The reverse proxy with real servers behind it: our own, npm ws, PyPI websockets, and some that answer wrong.

import { finish } from "../harness/checks.mjs";
import { checkBalance } from "./balance.mjs";
import { checkHttp } from "./http.mjs";
import { checkHttp2 } from "./http2.mjs";
import { checkLarge } from "./large.mjs";
import { checkEnding, checkLines } from "./lines.mjs";
import { checkPython } from "./python.mjs";
import { openAll } from "./servers.mjs";
import { checkWrong } from "./wrong.mjs";

const servers = await openAll();
for (const name of ["tieline", "ws", "websockets"]) {
  await checkLines(servers.proxy, name);
  await checkPython(servers.proxy, name);
}
await checkHttp(servers);
await checkHttp2(servers.proxy);
await checkWrong(servers);
await checkLarge(servers);
await checkBalance();
await checkEnding(servers);
finish();
