// Sizes and times, as people read them.

const KIB = 1024;
const MIB = KIB * KIB;

/** A size in bytes: exact below 1 KiB, then with at most one digit after the point. */
export function formatBytes(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`;
  if (bytes < MIB) return `${oneDigit(bytes / KIB)} KiB`;
  return `${oneDigit(bytes / MIB)} MiB`;
}

/** A number with its thousands apart. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** A span of time in milliseconds. */
export function formatSpan(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

/** A span of time in seconds that was measured to the microsecond. */
export function formatSeconds(seconds: number): string {
  return seconds < 0.001 ? `${Math.round(seconds * 1e6)} µs` : formatSpan(seconds * 1000);
}

/** The local time of day, to the millisecond. */
export function formatClock(at: Date): string {
  return `${formatTime(at)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** The local time of day, to the second. */
export function formatTime(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

function oneDigit(value: number): string {
  return String(Math.round(value * 10) / 10);
}
