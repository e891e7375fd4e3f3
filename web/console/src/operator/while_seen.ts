// Asks for something again and again, for as long as somebody looks.

/**
 * Asks at once and then every so often, one request at a time and none while the page is hidden, until
 * what it answers is called.
 */
export function whileSeen(
  ask: () => Promise<void>,
  everyMs: number,
  page: Document = document,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  let isAsking = false;

  async function turn(): Promise<void> {
    clearTimeout(timer);
    if (isOver || isAsking || page.hidden) return;
    isAsking = true;
    const began = Date.now();
    await ask();
    isAsking = false;
    if (!isOver) timer = setTimeout(turn, Math.max(0, began + everyMs - Date.now()));
  }

  page.addEventListener("visibilitychange", turn);
  void turn();
  return () => {
    isOver = true;
    clearTimeout(timer);
    page.removeEventListener("visibilitychange", turn);
  };
}
