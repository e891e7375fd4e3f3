// The API gateway against a real HTTP backend: the dialect's whole session, what its clients do, and kill -9.

import { finish } from "../harness/checks.mjs";
import { startBackend } from "./backend_process.mjs";
import { checkBackends } from "./backends.mjs";
import { checkClients } from "./clients.mjs";
import { checkFamilies } from "./families.mjs";
import { checkFixtures } from "./fixtures.mjs";
import { checkKilled } from "./killed.mjs";
import { checkLimits } from "./limits.mjs";
import { checkNotify } from "./notify.mjs";
import { checkOperator } from "./operator.mjs";
import { checkSession } from "./session.mjs";
import { startGateway } from "./server.mjs";
import { checkVectors } from "./vectors.mjs";

const backend = await startBackend();
const server = await startGateway(backend);
await checkSession(server, backend);
await checkVectors(server);
await checkFixtures(server, backend);
await checkFamilies(server, backend);
await checkClients(server, backend);
await checkBackends(server);
await checkNotify(server);
await checkLimits(server);
await checkOperator(backend);
await checkKilled();
finish();
