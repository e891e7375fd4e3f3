// Whether a line still says something: after a silence it is asked, and without an answer it is dead.

/** `silentMs` of silence, or `answerMs` behind something that was said, and then `answerMs` for an answer. */
export function createHeartbeat(silentMs: number, answerMs: number, now: number) {
  let askAt = now + silentMs;
  let deadAt = Number.POSITIVE_INFINITY;

  function probe(at: number, withinMs: number): void {
    askAt = Number.POSITIVE_INFINITY;
    deadAt = Math.min(deadAt, at + withinMs);
  }

  return {
    /** Something came. */
    heard(at: number): void {
      askAt = at + silentMs;
      deadAt = Number.POSITIVE_INFINITY;
    },
    /** Something was said, and will hardly be met with silence. */
    said(at: number): void {
      if (deadAt === Number.POSITIVE_INFINITY) askAt = Math.min(askAt, at + answerMs);
    },
    /** It is asked now, whatever came until now. */
    probe,
    /** What is due. */
    turn(at: number): "ask" | "dead" | undefined {
      if (deadAt <= at) return "dead";
      if (askAt > at) return undefined;
      probe(at, answerMs);
      return "ask";
    },
    /** When something is due. */
    deadline: (): number => Math.min(askAt, deadAt),
  };
}
