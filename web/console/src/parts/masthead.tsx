// The head of a page: whose it is, and which server it speaks to.

import { ThemeButton } from "./theme_button.tsx";

export function Masthead(props: { place: string; title?: string }) {
  return (
    <header class="masthead">
      <h1 class="wordmark">
        <svg class="mark" viewBox="0 0 34 12" aria-hidden="true">
          <path d="M6 6h22" />
          <circle class="here" cx="6" cy="6" r="5" />
          <circle class="there" cx="28" cy="6" r="5" />
        </svg>
        Tieline
      </h1>
      <p class="server" title={props.title}>
        <span class="off-screen">Server: </span>
        {props.place}
      </p>
      <ThemeButton />
    </header>
  );
}
