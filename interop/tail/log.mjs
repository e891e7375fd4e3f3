// A log with numbered lines, and Debian's logrotate for it.

import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { folder } from "../harness/tieline.mjs";

const TICK_MS = 20;

/** Makes an empty log in a folder of its own. */
export function makeLog(name) {
  const home = join(folder, name);
  rmSync(home, { recursive: true, force: true });
  // logrotate does nothing in a folder that others may write to.
  mkdirSync(home, { recursive: true, mode: 0o755 });
  const path = join(home, "app.log");
  const open = () => openSync(path, "a", 0o644);
  let file = open();
  let timer;

  const log = {
    path,
    /** Lines that were written; the next has this number. */
    written: 0,
    write(count = 1) {
      let text = "";
      for (const end = log.written + count; log.written < end; log.written += 1) text += `line ${log.written}\n`;
      writeSync(file, text);
    },
    /** Writes so many lines a second until it is paused. */
    run(linesPerSecond) {
      const since = Date.now();
      const before = log.written;
      timer = setInterval(() => {
        const due = before + Math.floor(((Date.now() - since) / 1000) * linesPerSecond) - log.written;
        if (due > 0) log.write(due);
      }, TICK_MS);
    },
    pause: () => clearInterval(timer),
    /** As a daemon does when it is told that its log was rotated. */
    reopen() {
      closeSync(file);
      file = open();
    },
    /** Has logrotate rotate it now, in this way ("create" or "copytruncate"). */
    rotate(way) {
      const configuration = join(home, "logrotate.conf");
      writeFileSync(configuration, `"${path}" {\n  rotate 9\n  ${way}\n}\n`, { mode: 0o644 });
      execFileSync("logrotate", ["--force", "--state", join(home, "state"), configuration]);
    },
  };
  return log;
}

/** The numbers of lines, in their order. */
export const numbers = (lines) => lines.map((line) => Number(/^line (\d+)$/.exec(line)?.[1] ?? Number.NaN));

/** What is missing of so many lines, what came twice, and what came out of order. */
export function differences(lines, written) {
  const seen = numbers(lines);
  const all = new Set(seen);
  return {
    missing: [...Array(written).keys()].filter((number) => !all.has(number)).length,
    doubled: seen.length - all.size,
    unordered: seen.filter((number, at) => at > 0 && number < seen[at - 1]).length,
  };
}
