// Waits that double, each a random part of its longest: exponential backoff with full jitter.

export interface BackoffOptions {
  /** Longest wait before the first attempt to come back. */
  readonly baseMs: number;
  /** Where the doubling ends. */
  readonly maxMs: number;
  /** How long a line must have been open for the doubling to start anew. */
  readonly stableAfterMs: number;
}

/** Counts how often in a row it went wrong. */
export function createBackoff(options: BackoffOptions) {
  let failures = 0;
  return {
    /** The next wait; `random` is from 0 up to, not including, 1. */
    next(random: number): number {
      const longest = Math.min(options.baseMs * 2 ** failures, options.maxMs);
      failures = Math.min(failures + 1, 32);
      return longest * random;
    },
    /** Takes note of how long a line was open. */
    wasOpen(forMs: number): void {
      if (forMs >= options.stableAfterMs) failures = 0;
    },
  };
}
