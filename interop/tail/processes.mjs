// What the kernel says of processes.

import { readdirSync, readFileSync } from "node:fs";

/** Milliseconds of one tick of the kernel's accounts. */
const TICK_MS = 10;

/** All processes below this one, each as its number and its name. */
export function descendants(pid) {
  const all = processes();
  const found = [];
  for (let parents = [pid]; parents.length > 0; ) {
    const children = all.filter(({ parent }) => parents.includes(parent));
    found.push(...children);
    parents = children.map((child) => child.pid);
  }
  return found;
}

/** How many below this one have the name. */
export const count = (pid, name) => descendants(pid).filter((one) => one.name === name).length;

/** Whether somebody's command line holds this. */
export function isOnSomeCommandLine(text) {
  return processes().some(({ pid }) => read(`/proc/${pid}/cmdline`).includes(text));
}

/** What a process, and its children that have ended, have used of the processors so far; nothing once it is gone. */
export function usedMs(pid) {
  const fields = processes().find((one) => one.pid === pid)?.fields ?? [];
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS;
}

function processes() {
  const numbers = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return numbers.flatMap((pid) => {
    const stat = read(`/proc/${pid}/stat`);
    const end = stat.lastIndexOf(") ");
    if (end < 0) return [];
    const fields = stat.slice(end + 2).split(" ");
    return [{ pid: Number(pid), name: stat.slice(stat.indexOf("(") + 1, end), parent: Number(fields[1]), fields }];
  });
}

/** One that has ended meanwhile says nothing. */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
