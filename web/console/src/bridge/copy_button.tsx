// A button that copies, and says whether it did.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** How long it says so, in milliseconds. */
const SAID_MS = 1500;

export function CopyButton(props: { copy: () => Promise<boolean>; testId?: string }) {
  const said = useSignal("");
  const words = said.value;
  useEffect(() => {
    if (words === "") return;
    const timer = setTimeout(() => {
      said.value = "";
    }, SAID_MS);
    return () => clearTimeout(timer);
  }, [words, said]);
  return (
    <button
      type="button"
      class="quiet"
      data-testid={props.testId}
      onClick={async () => {
        said.value = (await props.copy()) ? "Copied" : "Not copied";
      }}
    >
      <span aria-live="polite">{words || "Copy"}</span>
    </button>
  );
}
