// A fragment from the server, as elements made here.

import { type ComponentChild, h } from "preact";
import type { Piece } from "../fragment.ts";

export function FragmentView(props: { pieces: readonly Piece[] }) {
  return <div class="fragment">{props.pieces.map(show)}</div>;
}

function show(piece: Piece): ComponentChild {
  if (typeof piece === "string") return piece;
  const classes = piece.classes === "" ? null : { class: piece.classes };
  return h(piece.tag, classes, ...piece.children.map(show));
}
