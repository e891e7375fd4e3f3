// Which rows of a long list are in sight.

/** Rows of one height, the numbers of the first and behind the last. */
export interface Sight {
  readonly from: number;
  readonly to: number;
}

/** Rows made beyond each edge, so that slow scrolling shows no holes. */
const BEYOND = 8;

/** The rows of a list of `count` in sight of a window of `height` that was scrolled to `top`, in pixels. */
export function sightOf(count: number, rowHeight: number, top: number, height: number): Sight {
  const from = Math.floor(Math.max(0, top) / rowHeight) - BEYOND;
  const to = Math.ceil((Math.max(0, top) + height) / rowHeight) + BEYOND;
  const last = Math.min(count, Math.max(0, to));
  return { from: Math.max(0, Math.min(from, last)), to: last };
}
