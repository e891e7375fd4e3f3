// What of a channel has been seen, and what is missing.

import { given, type Position, type Publication, type Subscribed } from "./wire.ts";

/** Publications are missing. */
export interface Gap {
  /** Where the channel goes on. */
  readonly position?: Position;
  /** What was seen last. */
  readonly since?: Position;
  /**
   * `epoch`, `expired`, `too_many`, `unknown`, `lost`: as docs/wire.md has them. `pattern`: a pattern has no position, and
   * its line was away. `slow`: the loop that takes them was too slow, and `dropped` are gone.
   */
  readonly reason: string;
  /** The oldest offset that the server still has. */
  readonly oldest?: number;
  readonly dropped?: number;
}

/** What comes of an answer to `subscribe`. */
export interface Caught {
  readonly publications: readonly Publication[];
  readonly gap?: Gap;
  /** Whether nothing was missed since the last line; not there for a first subscription. */
  readonly recovered?: boolean;
}

/** Follows one channel, from wherever it is subscribed to first. */
export function createRecovery() {
  let position: Position | undefined;
  let wasThere = false;

  return {
    /** What was seen last. */
    position: () => position,

    /** A subscription begins, or begins again. */
    subscribed(answer: Subscribed): Caught {
      const since = position;
      const isBack = wasThere;
      wasThere = true;
      position = answer.position;
      if (position === undefined) {
        return {
          publications: [],
          ...(isBack ? { recovered: false, gap: { reason: "pattern" } } : {}),
        };
      }
      if (since === undefined) return { publications: answer.publications };
      const isSame = since.epoch === position.epoch;
      if (answer.recovered && isSame) {
        const missed = answer.publications.filter(({ offset }) => offset > since.offset);
        return { publications: missed, recovered: true };
      }
      const { oldest, reason = isSame ? "unknown" : "epoch" } = answer;
      return {
        publications: answer.publications,
        recovered: false,
        gap: { position, since, reason, ...given({ oldest }) },
      };
    },

    /** Takes one that comes: it is the next, or was seen already, or there are some missing before it. */
    take(offset: number): "hole" | "next" | "seen" {
      if (position === undefined) return "next";
      if (offset <= position.offset) return "seen";
      if (offset > position.offset + 1) return "hole";
      position = { epoch: position.epoch, offset };
      return "next";
    },

    /** The server says that some are missing, and goes on behind this. */
    gap(to: Position, reason: string): Gap {
      const since = position;
      position = to;
      return { position: to, reason, ...given({ since }) };
    },

    /** Nothing is known any more: the next subscription is a first one. */
    forget(): void {
      position = undefined;
      wasThere = false;
    },
  };
}
