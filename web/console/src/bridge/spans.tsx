// A line with its escape sequences made harmless, as elements.

import { type Looks, spansOf } from "./escapes.ts";

/** Most characters of a line in a list; the whole of it is shown when it is chosen. */
const MAX_SHOWN = 2000;

export function Spans(props: { text: string; isWhole?: boolean }) {
  const isCut = !props.isWhole && props.text.length > MAX_SHOWN;
  const text = isCut ? props.text.slice(0, MAX_SHOWN) : props.text;
  return (
    <>
      {spansOf(text).map((span, index) => (
        <span
          key={index}
          class={span.isSign ? "sign" : classOf(span.looks)}
          style={styleOf(span.looks)}
        >
          {span.text}
        </span>
      ))}
      {isCut && <span class="sign">…</span>}
    </>
  );
}

function classOf(looks: Looks): string | undefined {
  const names: string[] = [];
  if (typeof looks.colour === "number") names.push(`ink-${looks.colour}`);
  if (typeof looks.ground === "number") names.push(`ground-${looks.ground}`);
  for (const name of ["bold", "dim", "italic", "underline", "inverse"] as const) {
    if (looks[name]) names.push(`is-${name}`);
  }
  return names.length === 0 ? undefined : names.join(" ");
}

function styleOf(looks: Looks): Record<string, string> | undefined {
  const style: Record<string, string> = {};
  if (typeof looks.colour === "string") style.color = looks.colour;
  if (typeof looks.ground === "string") style.backgroundColor = looks.ground;
  return Object.keys(style).length === 0 ? undefined : style;
}
