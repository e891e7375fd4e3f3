// Light, dark, or as the system has it; the choice is remembered.

import { type ReadonlySignal, signal } from "@preact/signals";

export type Theme = "auto" | "dark" | "light";

const KEY = "tieline.theme";
const ORDER: readonly Theme[] = ["auto", "light", "dark"];

const chosen = signal<Theme>(recall());
apply(chosen.value);

/** The theme in force. */
export const theme: ReadonlySignal<Theme> = chosen;

/** The theme that `changeTheme` goes to. */
export function nextTheme(now: Theme): Theme {
  return ORDER[(ORDER.indexOf(now) + 1) % ORDER.length] ?? "auto";
}

/** Goes to the next theme. */
export function changeTheme(): void {
  chosen.value = nextTheme(chosen.value);
  apply(chosen.value);
  remember(chosen.value);
}

function apply(now: Theme): void {
  document.documentElement.dataset.theme = now;
}

// Storage may be forbidden (private windows, pages from disk); the choice then lasts as long as the page.
function recall(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return ORDER.find((known) => known === stored) ?? "auto";
  } catch {
    return "auto";
  }
}

function remember(now: Theme): void {
  try {
    localStorage.setItem(KEY, now);
  } catch {
    // Nothing is lost but the memory of it.
  }
}
