// Keeps a scrolling list at its end, as long as the reader stays there.

import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

// Rounding and zoom leave a little between the end and where a browser stops.
const SLACK_PX = 24;

/** Follows the end of a list whenever `change` changes. Hand `onScroll` to the list. */
export function useFollow<E extends HTMLElement>(
  list: RefObject<E | null>,
  change: unknown,
): { onScroll: () => void } {
  const following = useRef(true);
  useLayoutEffect(() => {
    const element = list.current;
    if (element !== null && following.current) element.scrollTop = element.scrollHeight;
  }, [change]);
  return {
    onScroll() {
      const element = list.current;
      if (element === null || element.clientHeight === 0) return;
      const below = element.scrollHeight - element.scrollTop - element.clientHeight;
      following.current = below < SLACK_PX;
    },
  };
}
