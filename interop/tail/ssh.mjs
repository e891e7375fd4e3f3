// A file of another machine: many viewers, rotation by logrotate, and a server that goes and comes back.

import assert from "node:assert/strict";
import { check, until } from "../harness/checks.mjs";
import { startTieline } from "../harness/tieline.mjs";
import { differences, makeLog, numbers } from "./log.mjs";
import { count, descendants, usedMs } from "./processes.mjs";
import { openViewer } from "./viewer.mjs";

const VIEWERS = 100;
const LINES_PER_SECOND = 500;
const IDLE_MS = 10_000;
/** What following a file that nobody writes to may cost, of one processor. */
const IDLE_SHARE = 0.05;

const SHORTENED = "the file was shortened";
const LOST = "the connection to the host was lost";

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

/** A server that shows one file of the other machine. */
export const serveFar = (source, last = 10) =>
  startTieline({
    config: `[[listener]]
address = "127.0.0.1:0"

[[route]]
path = "/far"
service = { kind = "tail", last = ${last}, source = [${source}] }
`,
  });

export async function checkSsh(sshd) {
  const log = makeLog("rotated");
  const server = await serveFar(sshd.source(log.path, sshd.keys));
  const whole = { missing: 0, doubled: 0, unordered: 0 };
  const viewers = [];
  log.write(20);

  await check(
    `${VIEWERS} viewers of a file over SSH get its last lines and what is written, over one ssh`,
    async () => {
      for (let at = 0; at < VIEWERS; at += 1) viewers.push(await openViewer(server.ws("/far")));
      for (const viewer of viewers) await viewer.has(10);
      log.write(5);
      for (const viewer of viewers) await viewer.has(15);
      const expected = [...Array(15).keys()].map((number) => number + 10);
      for (const viewer of viewers) assert.deepEqual(numbers(viewer.lines), expected);
      assert.equal(count(server.pid, "ssh"), 1);
      assert(sshd.processes().length > 0);
    },
  );
  const [viewer] = viewers;
  /** What has come of what was written since then. */
  const since = (first) => viewer.lines.filter((line) => numbers([line])[0] >= first);
  const arrived = (first) => {
    const { missing, ...others } = differences(since(first), log.written);
    return { missing: missing - first, ...others };
  };

  await check(
    "rotated three times by logrotate (create) while it is written: no line lost, doubled or out of order",
    async () => {
      const first = log.written;
      log.run(LINES_PER_SECOND);
      for (let round = 0; round < 3; round += 1) {
        await pause(1_500);
        log.rotate("create");
        // The daemon is told a moment later, and writes to the old file until then.
        await pause(400);
        log.reopen();
      }
      await pause(1_000);
      log.pause();
      await viewer.has(15 + log.written - first);
      assert.deepEqual(arrived(first), whole);
      assert.deepEqual(viewer.gaps, []);
    },
  );
  await check(
    "rotated three times by logrotate (copytruncate): what was read by then is not lost or doubled, and it is told",
    async () => {
      const first = log.written;
      for (let round = 1; round <= 3; round += 1) {
        log.write(50);
        await until("all are here", () => arrived(first).missing === 0);
        log.rotate("copytruncate");
        log.write(50 * round);
        await until("all are here", () => arrived(first).missing === 0);
      }
      assert.deepEqual(arrived(first), whole);
      assert.equal(viewer.gaps.filter((gap) => gap.includes(SHORTENED)).length, 3);
    },
  );
  await check("copied and truncated while it is written: nothing is doubled, and what is missing is told", async () => {
    const first = log.written;
    const told = viewer.gaps.length;
    log.run(LINES_PER_SECOND);
    await pause(1_000);
    log.rotate("copytruncate");
    await pause(1_000);
    log.pause();
    await until("the last line", () => numbers(viewer.lines).includes(log.written - 1));
    const { missing, doubled, unordered } = arrived(first);
    assert.deepEqual({ doubled, unordered }, { doubled: 0, unordered: 0 });
    // A third of a second of it, and what writing stood still meanwhile.
    assert(missing < LINES_PER_SECOND, `${missing} lines`);
    assert(viewer.gaps.length > told);
  });
  await check(
    "the SSH server is killed and started again: the gap is told, and what was written meanwhile comes once",
    async () => {
      const first = log.written;
      log.write(100);
      await until("all are here", () => arrived(first).missing === 0);
      await sshd.kill();
      await viewer.isTold(LOST);
      log.write(100);
      log.rotate("create");
      log.write(100);
      log.reopen();
      log.write(100);
      await sshd.run();
      await until("all are here", () => arrived(first).missing === 0, 50_000);
      assert.deepEqual(arrived(first), whole);
      assert(!viewer.gaps.some((gap) => gap.includes("lines may be missing")), viewer.gaps.join("; "));
      assert.equal(count(server.pid, "ssh"), 1);
    },
  );
  await check(
    "rotated twice while the server is gone: nothing is doubled, and that lines may be missing is told",
    async () => {
      const first = log.written;
      await sshd.kill();
      for (let round = 0; round < 2; round += 1) {
        log.write(100);
        log.rotate("create");
        log.reopen();
      }
      log.write(100);
      await sshd.run();
      await until("the last line", () => numbers(viewer.lines).includes(log.written - 1), 50_000);
      assert.deepEqual(arrived(first), { missing: 100, doubled: 0, unordered: 0 });
      assert(
        viewer.gaps.some((gap) => gap.includes("lines may be missing")),
        viewer.gaps.join("; "),
      );
    },
  );
  await check("a file that nobody writes to costs next to nothing, here and there", async () => {
    // By then the other side looks once a second.
    await pause(8_000);
    const used = () =>
      [server.pid, ...descendants(server.pid).map(({ pid }) => pid)].reduce((sum, pid) => sum + usedMs(pid), 0);
    const far = () => sshd.processes().reduce((sum, { pid }) => sum + usedMs(pid), 0);
    const before = [used(), far()];
    await pause(IDLE_MS);
    const [here, there] = [used() - before[0], far() - before[1]];
    console.log(`       in ${IDLE_MS / 1000} s: ${here} ms of a processor here with ssh, ${there} ms there with sshd`);
    assert(here < IDLE_SHARE * IDLE_MS && there < IDLE_SHARE * IDLE_MS);
  });
  await check("with the last viewer ssh ends, and what it ran on the other side", async () => {
    for (const one of viewers.slice(1)) await one.close();
    assert.equal(count(server.pid, "ssh"), 1);
    await viewer.close();
    await until("no ssh here", () => count(server.pid, "ssh") === 0);
    await until("nothing there", () => sshd.processes().length === 0);
  });
  assert.equal(await server.stop(), 0);
}
