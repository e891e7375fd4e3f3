// The field that searches what a terminal shows and has scrolled off its top.

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

/** Lies above the buttons: the screen stays as large as it is, and all of it in sight. */
export function Search(props: {
  find: (text: string, back: boolean) => boolean;
  close: () => void;
}) {
  const text = useSignal("");
  const isMissing = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  // Before the next key: what is typed at once is for the field, and not for the program.
  useLayoutEffect(() => field.current?.focus(), []);
  function find(back: boolean) {
    isMissing.value = text.value !== "" && !props.find(text.value, back);
  }
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          find(true);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") props.close();
        }}
      >
        <input
          ref={field}
          type="text"
          aria-label="Search"
          data-testid="search-text"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          aria-invalid={isMissing.value}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
            isMissing.value = false;
          }}
        />
        <button type="submit" class="plain" aria-label="The one before">
          ↑
        </button>
        <button type="button" class="plain" aria-label="The next one" onClick={() => find(false)}>
          ↓
        </button>
        <button type="button" class="quiet" onClick={props.close}>
          Close
        </button>
        <p class="off-screen" role="status">
          {isMissing.value ? "Not found." : ""}
        </p>
      </form>
    </search>
  );
}
