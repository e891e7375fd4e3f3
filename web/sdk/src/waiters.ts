// Those who wait for the same to be done.

import type { TielineError } from "./errors.ts";

interface Waiter {
  resolve(): void;
  reject(error: TielineError): void;
}

export function createWaiters() {
  let waiters: Waiter[] = [];

  return {
    /** Done when it is settled next. */
    wait: () => new Promise<void>((resolve, reject) => waiters.push({ resolve, reject })),

    /** It is done, or will not be. */
    settle(error?: TielineError): void {
      const settled = waiters;
      waiters = [];
      for (const { resolve, reject } of settled) error ? reject(error) : resolve();
    },
  };
}
