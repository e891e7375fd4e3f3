// How much memory a process has.

import { readFile } from "node:fs/promises";

/** What the kernel says that it holds in memory now, in MiB. */
export async function residentMiB(pid) {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) / 1024;
}
