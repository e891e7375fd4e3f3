// The colours of a terminal, for each theme of the page.

import { type ReadonlySignal, signal, useComputed } from "@preact/signals";
import type { ITheme } from "@xterm/xterm";
import { theme } from "../../theme.ts";

const DARK: ITheme = {
  background: "#101615",
  foreground: "#e6ecea",
  cursor: "#ee9a65",
  cursorAccent: "#101615",
  selectionBackground: "#3a4844",
  black: "#202a27",
  red: "#f2857c",
  green: "#7fcf8f",
  yellow: "#e3b65b",
  blue: "#7fb0ee",
  magenta: "#d29be0",
  cyan: "#5cc6b0",
  white: "#c9d3d0",
  brightBlack: "#66746f",
  brightRed: "#ffaaa2",
  brightGreen: "#a5e6b1",
  brightYellow: "#f3d08a",
  brightBlue: "#a8ccff",
  brightMagenta: "#e8bdf2",
  brightCyan: "#8be3d0",
  brightWhite: "#ffffff",
};

const LIGHT: ITheme = {
  background: "#fdfefd",
  foreground: "#15201d",
  cursor: "#a3470f",
  cursorAccent: "#fdfefd",
  selectionBackground: "#cfe3dd",
  black: "#15201d",
  red: "#b3261e",
  green: "#1d7434",
  yellow: "#8a5a00",
  blue: "#1f5fb0",
  magenta: "#8a3d9c",
  cyan: "#0c6b5c",
  white: "#66746f",
  brightBlack: "#53605c",
  brightRed: "#c9372e",
  brightGreen: "#2a8744",
  brightYellow: "#9c6b0c",
  brightBlue: "#3273c6",
  brightMagenta: "#9d52ae",
  brightCyan: "#1a7d6d",
  brightWhite: "#15201d",
};

const query = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(query.matches);
query.addEventListener("change", (event) => {
  systemIsDark.value = event.matches;
});

/** The colours of the theme in force. */
export function usePalette(): ReadonlySignal<ITheme> {
  return useComputed(() => {
    const isDark = theme.value === "dark" || (theme.value === "auto" && systemIsDark.value);
    return isDark ? DARK : LIGHT;
  });
}
