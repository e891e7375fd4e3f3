// Puts the page into the document: the public one, or the operator's.

import { render } from "preact";
import { App } from "./app.tsx";
import { Operator } from "./operator/operator.tsx";
import { followAddress } from "./selection.ts";
import "./styles/colours.css";
import "./styles/page.css";
import "./styles/controls.css";
import "./styles/line.css";
import "./styles/demos.css";
import "./styles/frames.css";
import "./styles/channels.css";
import "./styles/operator.css";
import "./styles/metrics.css";
import "./styles/inspector.css";

const page = document.getElementById("page");
if (page === null) throw new Error("index.html has no #page");

if (page.dataset.side === "operator") {
  render(<Operator />, page);
} else {
  followAddress();
  render(<App />, page);
}
