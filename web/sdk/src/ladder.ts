// Which carrier is tried when.

import type { CarrierName } from "./carriers/carrier.ts";

/** Best first; `climbAfterMs` are the waits before WebSocket is tried again from below. */
export function createLadder(names: readonly CarrierName[], climbAfterMs: readonly number[]) {
  let winner: CarrierName | undefined;
  let lostRounds = 0;
  let climbs = 0;

  return {
    /**
     * Those to try now, in their order. After a loss what worked before is tried alone, once: more often the server is
     * away than the way to it has changed.
     */
    round(): readonly CarrierName[] {
      if (winner === undefined) return names;
      if (lostRounds === 0) return [winner];
      const first = winner;
      return [first, ...names.filter((name) => name !== first)];
    },
    /** None of them worked. */
    lost(): void {
      lostRounds += 1;
    },
    /** This one worked. */
    won(name: CarrierName): void {
      if (winner !== name) climbs = 0;
      winner = name;
      lostRounds = 0;
    },
    /** After how long WebSocket is to be tried again; nothing where it is in use, or not there. */
    climbIn(): number | undefined {
      if (winner === "websocket" || !names.includes("websocket")) return undefined;
      const wait = climbAfterMs[Math.min(climbs, climbAfterMs.length - 1)];
      climbs += 1;
      return wait;
    },
  };
}
