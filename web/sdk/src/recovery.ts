// What of a channel has been seen, and what is missing.

import { given, type History, type Position, type Publication, type Subscribed } from "./wire.ts";

/** Publications are missing. */
export interface Gap {
  /** Where the channel goes on. */
  readonly position?: Position;
  /** What was seen last. */
  readonly since?: Position;
  /**
   * `epoch`, `expired`, `too_many`, `unknown`, `lost`: as docs/wire.md has them. `pattern`: a pattern has no position, and
   * its line was away. `slow`: the line was too slow; or the loop that takes them was, and `dropped` are gone.
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

    /** A page of history, from behind what was seen last. */
    page({ oldest, position: top, publications }: History): Caught {
      const since = position;
      const isSame = since?.epoch === top.epoch;
      const [first, last] = [publications[0], publications.at(-1)];
      if (isSame && first && last && first.offset === since.offset + 1) {
        position = { epoch: top.epoch, offset: last.offset };
        return { publications };
      }
      position = top;
      if (isSame && since.offset === top.offset) return { publications: [] };
      const reason = isSame ? "expired" : "epoch";
      return { publications: [], gap: { position: top, reason, oldest, ...given({ since }) } };
    },

    /** The server says that some are missing, and goes on behind this; a pattern has no position. */
    gap(to: Position | undefined, reason: string): Gap {
      const since = position;
      position = to;
      return { reason, ...given({ position: to, since }) };
    },

    /** Nothing is known any more: the next subscription is a first one. */
    forget(): void {
      position = undefined;
      wasThere = false;
    },
  };
}
