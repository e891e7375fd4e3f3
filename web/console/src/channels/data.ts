// What is published: text, and JSON where it is JSON.

/** What a text is published as, and what that is called. */
export interface Written {
  readonly data: unknown;
  readonly isJson: boolean;
}

/** Reads what was typed: an object, a list, or text in quotes is JSON, everything else is text as it stands. */
export function readData(text: string): Written {
  // A number, or the word “true”, is more often something that is said.
  if (!/^\s*[{["]/.test(text)) return { data: text, isJson: false };
  try {
    return { data: JSON.parse(text), isJson: true };
  } catch {
    return { data: text, isJson: false };
  }
}

/** Shows what was published. */
export function showData(data: unknown): { readonly text: string; readonly isJson: boolean } {
  if (typeof data === "string") return { text: data, isJson: false };
  return { text: JSON.stringify(data), isJson: true };
}
