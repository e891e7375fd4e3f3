// Puts the page of a bridge into the document.

import { render } from "preact";
import { Bridge, open } from "./bridge.tsx";
import "../styles/colours.css";
import "../styles/page.css";
import "../styles/controls.css";
import "../styles/demos.css";
import "../styles/operator.css";
import "../styles/bridge.css";
import "../styles/lines.css";

const page = document.getElementById("page");
if (page === null) throw new Error("bridge.html has no #page");
render(<Bridge />, page);
void open();
