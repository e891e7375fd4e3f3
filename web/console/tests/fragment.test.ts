// What a server's HTML may put on the page, and what it may not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type DefaultTreeAdapterTypes, parseFragment as parseHtml } from "parse5";
import { MAX_DEPTH, MAX_PIECES, type NodeLike, type Piece, piecesOf } from "../src/fragment.ts";

/** Parses as a browser does, and dresses the tree as DOM nodes. */
function pieces(html: string): Piece[] {
  return piecesOf(nodeOf(parseHtml(html)));
}

function nodeOf(node: DefaultTreeAdapterTypes.Node): NodeLike {
  const children = "childNodes" in node ? node.childNodes.map(nodeOf) : [];
  if ("tagName" in node) {
    return {
      nodeName: node.tagName.toUpperCase(),
      nodeType: 1,
      nodeValue: null,
      childNodes: children,
      getAttribute: (name) => node.attrs.find((attr) => attr.name === name)?.value ?? null,
    };
  }
  const text = node.nodeName === "#text" && "value" in node ? node.value : null;
  return {
    nodeName: node.nodeName,
    nodeType: text === null ? 8 : 3,
    nodeValue: text,
    childNodes: children,
  };
}

test("what is on the list is rebuilt, and escaped text stays text", () => {
  assert.deepEqual(pieces('<p class="m"><b>a1</b> 1 &lt; 2 &lt;script&gt;</p>'), [
    {
      tag: "p",
      classes: "said-m",
      children: [{ tag: "b", classes: "", children: ["a1"] }, " 1 < 2 <script>"],
    },
  ]);
});

test("no attribute survives but class", () => {
  assert.deepEqual(pieces('<b onclick="x()" style="color:red" id="page" class="one two">t</b>'), [
    { tag: "b", classes: "said-one said-two", children: ["t"] },
  ]);
});

test("a class that is no plain word is dropped", () => {
  assert.deepEqual(pieces('<b class="ok a{b} é">t</b>'), [
    { tag: "b", classes: "said-ok", children: ["t"] },
  ]);
});

test("scripts, styles and embedded things vanish with all they hold", () => {
  const html =
    "a<script>x()</script><style>*{}</style><iframe src=x>y</iframe><svg><text>z</text></svg>" +
    "<template><b>t</b></template><img src=x onerror=x()><!-- c -->b";
  assert.equal(pieces(html).join(""), "ab");
});

test("a link gives way to its text", () => {
  assert.deepEqual(pieces('<a href="javascript:x()">go <i>on</i></a>'), [
    "go ",
    { tag: "i", classes: "", children: ["on"] },
  ]);
});

test("a form leaves nothing that can be filled in", () => {
  assert.deepEqual(pieces("<form><input value=1><button>ok</button></form>"), ["ok"]);
});

test("depth and number are bounded", () => {
  const deep = pieces("<div>".repeat(MAX_DEPTH * 3));
  assert.equal(depthOf(deep), MAX_DEPTH);
  assert.equal(pieces("<br>".repeat(MAX_PIECES * 2)).length, MAX_PIECES);
});

function depthOf(list: readonly Piece[]): number {
  const depths = list.map((piece) => (typeof piece === "string" ? 0 : 1 + depthOf(piece.children)));
  return Math.max(0, ...depths);
}
