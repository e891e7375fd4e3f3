// What the browser knows of the network: it is there again, or somebody looks at the page again.

interface Listens {
  addEventListener?(name: string, listener: () => void): void;
  removeEventListener?(name: string, listener: () => void): void;
}

/** Calls back whenever a line may have been lost unnoticed, or may be opened again, until what it answers is called. */
export function watchNetwork(changed: () => void): () => void {
  const scope = globalThis as Listens;
  const page = (globalThis as { document?: Document }).document;
  const shown = () => {
    if (page?.visibilityState === "visible") changed();
  };
  scope.addEventListener?.("online", changed);
  page?.addEventListener("visibilitychange", shown);
  return () => {
    scope.removeEventListener?.("online", changed);
    page?.removeEventListener("visibilitychange", shown);
  };
}
