// A line as a drawing: two ends, and what ties them.

/** The style sheet shows the state, by `data-state` of the card around it. */
export function Wire() {
  return (
    <svg class="wire" viewBox="0 0 64 16" aria-hidden="true">
      <path class="wire-line" d="M8 8h48" />
      <circle class="here" cx="8" cy="8" r="6" />
      <circle class="there" cx="56" cy="8" r="6" />
    </svg>
  );
}
