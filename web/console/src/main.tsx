// Puts the page into the document.

import { render } from "preact";
import { App } from "./app.tsx";
import { followAddress } from "./selection.ts";
import "./styles/colours.css";
import "./styles/page.css";
import "./styles/controls.css";
import "./styles/line.css";
import "./styles/demos.css";
import "./styles/frames.css";

const page = document.getElementById("page");
if (page === null) throw new Error("index.html has no #page");

followAddress();
render(<App />, page);
