// A part of the page that scrolls by itself, which the keyboard reaches and a screen reader names.

import type { ComponentChildren } from "preact";

interface Props {
  label: string;
  testId: string;
  /** Whether its lines stay as they are. */
  isDump?: boolean;
  children: ComponentChildren;
}

export function Region({ label, testId, isDump = false, children }: Props) {
  const look = isDump ? "payload dump" : "payload";
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section class={look} tabIndex={0} aria-label={label} data-testid={testId}>
      {children}
    </section>
  );
}
