// A line of a log with escape sequences in it, made harmless.
//
// Only the sequences that give colour and weight (SGR) do what they say. Every other control character, C0, C1 or one
// that turns the direction of writing, becomes a sign that can be seen: nothing that a program writes moves, hides or
// overwrites anything.

/** The looks that a piece of a line may have. */
export interface Looks {
  /** One of the 16 colours by its number, or any other as CSS has it. */
  readonly colour?: number | string;
  readonly ground?: number | string;
  readonly bold?: true;
  readonly dim?: true;
  readonly italic?: true;
  readonly underline?: true;
  readonly inverse?: true;
}

/** A piece of a line that looks the same throughout. */
export interface Span {
  readonly text: string;
  readonly looks: Looks;
  /** Whether it stands for a character that cannot be shown. */
  readonly isSign: boolean;
}

/** Most pieces of one line; the rest is one more, without its colours. */
export const MAX_SPANS = 500;

const PLAIN: Looks = {};

/** CSI, parameters, `m`; in the form with ESC or as the one C1 character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const SGR = /(?:\u001b\[|\u009b)([0-9;:]{0,64})m/y;

/** What must not reach the page as it is: C0 but the tab, DEL, C1, marks of direction, line separators. */
const CONTROL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Cuts a line into pieces. */
export function spansOf(line: string): Span[] {
  const spans: Span[] = [];
  let looks = PLAIN;
  let at = 0;
  CONTROL.lastIndex = 0;
  const push = (text: string, isSign: boolean) => {
    if (text !== "") spans.push({ text, looks, isSign });
  };
  for (let found = CONTROL.exec(line); found !== null; found = CONTROL.exec(line)) {
    if (spans.length >= MAX_SPANS) break;
    push(line.slice(at, found.index), false);
    SGR.lastIndex = found.index;
    const sgr = SGR.exec(line);
    if (sgr === null) {
      push(signOf(found[0]), true);
      at = found.index + found[0].length;
    } else {
      looks = after(looks, sgr[1] ?? "");
      at = found.index + sgr[0].length;
    }
    CONTROL.lastIndex = at;
  }
  push(line.slice(at).replace(CONTROL, signOf), false);
  return spans;
}

/** A line without its colours, every other control character as a sign: for the clipboard, and for finding words. */
export function plainOf(line: string): string {
  return spansOf(line)
    .map((span) => span.text)
    .join("");
}

/** The sign for a control character: `^[` as terminals write it for C0 and DEL, a number for the others. */
function signOf(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20 || code === 0x7f) return `^${String.fromCharCode(code ^ 0x40)}`;
  return `\\u${code.toString(16).padStart(4, "0")}`;
}

/** The looks after a sequence; numbers that mean nothing here are let be. */
function after(before: Looks, parameters: string): Looks {
  const numbers = parameters.split(/[;:]/).map((digits) => (digits === "" ? 0 : Number(digits)));
  let looks: Mutable<Looks> = { ...before };
  for (let at = 0; at < numbers.length; at += 1) {
    const number = numbers[at] ?? 0;
    if (number === 0) looks = {};
    else if (number === 1) looks.bold = true;
    else if (number === 2) looks.dim = true;
    else if (number === 3) looks.italic = true;
    else if (number === 4) looks.underline = true;
    else if (number === 7) looks.inverse = true;
    else if (number === 22) looks = without(looks, "bold", "dim");
    else if (number === 23) looks = without(looks, "italic");
    else if (number === 24) looks = without(looks, "underline");
    else if (number === 27) looks = without(looks, "inverse");
    else if (number >= 30 && number <= 37) looks.colour = number - 30;
    else if (number >= 40 && number <= 47) looks.ground = number - 40;
    else if (number >= 90 && number <= 97) looks.colour = number - 90 + 8;
    else if (number >= 100 && number <= 107) looks.ground = number - 100 + 8;
    else if (number === 39) looks = without(looks, "colour");
    else if (number === 49) looks = without(looks, "ground");
    else if (number === 38 || number === 48) {
      const [colour, taken] = extended(numbers.slice(at + 1));
      at += taken;
      if (colour !== undefined) looks[number === 38 ? "colour" : "ground"] = colour;
    }
  }
  return looks;
}

/** `5;N` of the 256 colours, or `2;R;G;B`; and how many numbers that took. */
function extended(numbers: readonly number[]): [number | string | undefined, number] {
  const [how = 0, first = 0, second = 0, third = 0] = numbers;
  if (how === 5) return [colourOf(first), 2];
  if (how !== 2) return [undefined, 0];
  return [rgb(first, second, third), 4];
}

/** One of the 256 colours: 16 of the theme, a cube of 6 by 6 by 6, and 24 greys. */
function colourOf(number: number): number | string | undefined {
  if (number < 16) return number;
  if (number > 255) return undefined;
  if (number >= 232) {
    const grey = 8 + (number - 232) * 10;
    return rgb(grey, grey, grey);
  }
  const step = (level: number) => (level === 0 ? 0 : 55 + level * 40);
  const cube = number - 16;
  return rgb(step(Math.floor(cube / 36)), step(Math.floor(cube / 6) % 6), step(cube % 6));
}

function rgb(...parts: [number, number, number]): string {
  return `rgb(${parts.map((part) => Math.min(255, Math.floor(part))).join(" ")})`;
}

function without(looks: Looks, ...names: (keyof Looks)[]): Mutable<Looks> {
  const left: Mutable<Looks> = { ...looks };
  for (const name of names) delete left[name];
  return left;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
