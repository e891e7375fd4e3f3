// A server's HTML, rebuilt from a short list of harmless elements.
//
// The text is parsed into a document that is never shown; of that document only what stands on the list below is
// made anew. No attribute survives but `class`, and each class gets a prefix, so that no text from the line can
// borrow the looks of the page around it.

/** The elements that may appear. */
const ALLOWED = [
  "b",
  "blockquote",
  "br",
  "code",
  "div",
  "em",
  "i",
  "li",
  "ol",
  "p",
  "pre",
  "small",
  "span",
  "strong",
  "time",
  "u",
  "ul",
] as const;

/** Elements that vanish with all they hold: their text was never meant to be read. */
const SILENT: ReadonlySet<string> = new Set([
  "embed",
  "iframe",
  "math",
  "noembed",
  "noframes",
  "noscript",
  "object",
  "script",
  "select",
  "style",
  "svg",
  "template",
  "textarea",
  "title",
]);

/** In front of every class that came over the line. */
export const CLASS_PREFIX = "said-";

/** Deeper nesting is dropped. */
export const MAX_DEPTH = 16;

/** Pieces of one fragment; what comes after is dropped. */
export const MAX_PIECES = 1000;

export type AllowedTag = (typeof ALLOWED)[number];

/** A piece of a fragment that is safe to show. */
export type Piece =
  | string
  | { readonly tag: AllowedTag; readonly classes: string; readonly children: readonly Piece[] };

/** As much of a DOM node as is needed here, so that tests do without a browser. */
export interface NodeLike {
  readonly nodeName: string;
  readonly nodeType: number;
  readonly nodeValue: string | null;
  readonly childNodes: ArrayLike<NodeLike>;
  getAttribute?(name: string): string | null;
}

const ELEMENT = 1;
const TEXT = 3;

/** Parses HTML from the line. Scripts do not run and nothing is loaded: the document has no window. */
export function parseFragment(html: string): Piece[] {
  return piecesOf(new DOMParser().parseFromString(html, "text/html").body);
}

/** Rebuilds what `root` holds from the allowed elements. */
export function piecesOf(root: NodeLike): Piece[] {
  let left = MAX_PIECES;

  function childrenOf(node: NodeLike, depth: number): Piece[] {
    if (depth > MAX_DEPTH) return [];
    return Array.from(node.childNodes).flatMap((child) => piecesFor(child, depth));
  }

  function piecesFor(node: NodeLike, depth: number): Piece[] {
    if (left === 0) return [];
    if (node.nodeType === TEXT) {
      left -= 1;
      return [node.nodeValue ?? ""];
    }
    const name = node.nodeName.toLowerCase();
    if (node.nodeType !== ELEMENT || SILENT.has(name)) return [];
    // An element that is not on the list gives way to what it holds: a link becomes its text.
    if (!isAllowed(name)) return childrenOf(node, depth + 1);
    left -= 1;
    const classes = prefixClasses(node.getAttribute?.("class") ?? "");
    return [{ tag: name, classes, children: childrenOf(node, depth + 1) }];
  }

  return childrenOf(root, 1);
}

function isAllowed(name: string): name is AllowedTag {
  return (ALLOWED as readonly string[]).includes(name);
}

function prefixClasses(value: string): string {
  return value
    .split(/\s+/)
    .filter((name) => /^[\w-]{1,40}$/.test(name))
    .slice(0, 8)
    .map((name) => CLASS_PREFIX + name)
    .join(" ");
}
