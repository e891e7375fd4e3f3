// What went wrong, and what to do next.

import type { Advice } from "./advice.ts";

export function Trouble(props: { advice: Advice | undefined; testId: string }) {
  const { advice, testId } = props;
  // Always there, so that a screen reader hears of it when it is filled.
  return (
    <div role="alert" data-testid={testId}>
      {advice && (
        <p class="trouble">
          {advice.what} <span class="next-step">{advice.next}</span>
        </p>
      )}
    </div>
  );
}
