// Whether the window is as narrow as a telephone, as a signal.

import { type ReadonlySignal, signal } from "@preact/signals";

// The same width stands in the style sheets.
const query = matchMedia("(max-width: 640px)");
const narrow = signal(query.matches);
query.addEventListener("change", (event) => {
  narrow.value = event.matches;
});

/** True while the window is narrow. */
export const isNarrow: ReadonlySignal<boolean> = narrow;
