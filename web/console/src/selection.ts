// Which demo is shown: the hash of the address, as a signal.

import { signal } from "@preact/signals";

/** The demos, in the order of their tabs. */
export const DEMOS = ["echo", "counter", "chat", "room", "rpc", "channels"] as const;

export type DemoName = (typeof DEMOS)[number];

/** The demo that is shown. */
export const shownDemo = signal<DemoName>(demoOf(location.hash) ?? "echo");

/** Every demo that has been shown; a demo starts when it is shown for the first time. */
export const visited = signal<ReadonlySet<DemoName>>(new Set([shownDemo.value]));

/** Shows a demo, and says so in the address. */
export function show(name: DemoName): void {
  turnTo(name);
  // Replaced, not pushed: walking through the tabs with the arrow keys would fill the history.
  history.replaceState(null, "", `#${name}`);
}

/** Follows the address when a person or a link changes it. */
export function followAddress(): void {
  addEventListener("hashchange", () => turnTo(demoOf(location.hash) ?? "echo"));
}

function turnTo(name: DemoName): void {
  shownDemo.value = name;
  if (!visited.value.has(name)) visited.value = new Set([...visited.value, name]);
}

function demoOf(hash: string): DemoName | undefined {
  return DEMOS.find((name) => hash === `#${name}`);
}
