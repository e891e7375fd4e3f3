// What is published: text, and JSON where it is JSON.

import { parseJson } from "../json.ts";

/** What a text is published as, and what that is called. */
export interface Written {
  readonly data: unknown;
  readonly isJson: boolean;
}

/** Reads what was typed: an object, a list, or text in quotes is JSON, everything else is text as it stands. */
export function readData(text: string): Written {
  // A number, or the word “true”, is more often something that is said.
  const data = /^\s*[{["]/.test(text) ? parseJson(text) : undefined;
  return data === undefined ? { data: text, isJson: false } : { data, isJson: true };
}

/** Shows what was published. */
export function showData(data: unknown): { readonly text: string; readonly isJson: boolean } {
  if (typeof data === "string") return { text: data, isJson: false };
  return { text: JSON.stringify(data), isJson: true };
}
