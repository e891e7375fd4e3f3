// Does something at once, and then at most once in a while, however often it is asked for.

/** What it answers asks for a run: the first of a burst is done at once, the rest together when the timer rings. */
export function createSoon(ms: number, run: () => void): () => void {
  let due: ReturnType<typeof setTimeout> | undefined;
  let isAskedAgain = false;

  function soon(): void {
    if (due !== undefined) {
      isAskedAgain = true;
      return;
    }
    run();
    // A timer and not an animation frame: those stop in a tab that nobody looks at.
    due = setTimeout(rest, ms);
  }

  function rest(): void {
    due = undefined;
    if (!isAskedAgain) return;
    isAskedAgain = false;
    soon();
  }

  return soon;
}
