// The button that goes from one theme to the next.

import { changeTheme, nextTheme, type Theme, theme } from "../theme.ts";

const LABELS: Readonly<Record<Theme, string>> = { auto: "Auto", dark: "Dark", light: "Light" };

export function ThemeButton() {
  const now = theme.value;
  const label = `Theme: ${LABELS[now]}. Change to ${LABELS[nextTheme(now)]}.`;
  return (
    <button
      type="button"
      class="quiet theme"
      data-testid="theme"
      aria-label={label}
      onClick={changeTheme}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="6.25" />
        <path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" />
      </svg>
      {LABELS[now]}
    </button>
  );
}
