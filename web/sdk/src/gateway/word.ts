// The command words of the dialect, as the gateway says them.

/** What the gateway says. */
export type Word =
  | { readonly kind: "alive"; readonly credential: string }
  | { readonly kind: "bound"; readonly credential: string; readonly keepAliveMs: number }
  | { readonly kind: "come-back" }
  | { readonly kind: "envelope" }
  | { readonly kind: "not-bound"; readonly why: string }
  | { readonly kind: "notify"; readonly text: string };

/** The word of a text; `undefined` for one of a later time, which is ignored. */
export function parseWord(text: string): Word | undefined {
  if (text === "OS" || text === "CR") return { kind: "come-back" };
  if (text.trimStart().startsWith("{")) return { kind: "envelope" };
  if (text[2] !== "#") return undefined;
  const rest = text.slice(3);
  switch (text.slice(0, 2)) {
    case "HO":
      return { kind: "alive", credential: rest };
    case "NF":
      return { kind: "notify", text: rest };
    case "RF":
      return { kind: "not-bound", why: rest };
    case "RO": {
      const match = /^([^#]*)#\s*(\d{1,10})\s*$/.exec(rest);
      if (!match) return undefined;
      return { kind: "bound", credential: match[1] ?? "", keepAliveMs: Number(match[2]) };
    }
    default:
      return undefined;
  }
}
