// Nothing is lost unsaid: publishers and subscribers over all carriers, behind networks that cut, delay, swallow and double,
// before a server that is killed and started again. ROUNDS says how many, SEED which (a failing one prints its
// own, and leaves its story in target/interop/delivery), CARRIERS over what.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { check, finish } from "../harness/checks.mjs";
import { between, seeded } from "../harness/random.mjs";
import { folder, startTieline } from "../harness/tieline.mjs";
import { play } from "./round.mjs";

const { ROUNDS = process.env.SAMPLE ? "50" : "1000", SEED } = process.env;

/** Rounds that are played side by side, and how often the server is killed while they are. */
const AT_ONCE = 10;

const config = (port) => `
[[listener]]
address = "127.0.0.1:${port}"

[store]
path = "${folder}/store"

[namespace.kept]
history = 1000
durability = "disk"
publish = "all"

[namespace.brief]
history = 5
publish = "all"

[[route]]
path = "/tieline"
service = { kind = "channels" }
`;

rmSync(join(folder, "store"), { recursive: true, force: true });
let server = await startTieline({ config: config(0) });
const { port } = server;
/** One is played again with those that were beside it. */
const first = SEED === undefined ? 1 : SEED - ((SEED - 1) % AT_ONCE);
const seeds = Array.from({ length: SEED === undefined ? Number(ROUNDS) : AT_ONCE }, (_, index) => first + index);
const seen = { acknowledged: 0, gaps: 0, kills: 0 };

for (let index = 0; index < seeds.length; index += AT_ONCE) {
  const group = seeds.slice(index, index + AT_ONCE);
  const rounds = group.map((seed) => {
    const played = play(seed, server);
    return { seed, played: played.catch((error) => error) };
  });
  const killing = kill(seeded(group[0]));
  for (const { seed, played } of rounds) {
    await check(`round ${seed}`, async () => {
      const saw = await played;
      if (saw instanceof Error) throw new Error(`${saw.message} (play it again with SEED=${seed})`);
      seen.acknowledged += saw.acknowledged;
      seen.gaps += saw.gaps;
    });
  }
  await killing;
}
console.log(`${seen.acknowledged} acknowledged, ${seen.gaps} gaps told, ${seen.kills} times killed`);
finish();

/** Kills the server while a group plays, and starts it again. */
async function kill(random) {
  const times = between(random, 0, 2);
  for (let time = 0; time < times; time += 1) {
    await sleep(between(random, 100, 600));
    await server.kill();
    server = await startTieline({ config: config(port) });
    seen.kills += 1;
  }
}
