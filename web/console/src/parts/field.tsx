// A field of a form, below its label.

import type { Signal } from "@preact/signals";

interface Props {
  /** The field's own, by which label and tests find it. */
  id: string;
  label: string;
  text: Signal<string>;
  placeholder?: string;
  /** The ids of what is said about the field, with spaces between. */
  describedBy?: string;
  /** What is wrong with its text; shown elsewhere. */
  problem?: string;
}

/** One line, of something that no dictionary knows. */
export function Field(props: Props & { isSecret?: boolean }) {
  const type = props.isSecret ? ({ type: "password" } as const) : ({ type: "text" } as const);
  return (
    <div class="field">
      <label for={props.id}>{props.label}</label>
      <input
        {...shared(props)}
        {...type}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
      />
    </div>
  );
}

/** Several lines, of words or of code. */
export function AreaField(props: Props & { isCode?: boolean }) {
  const { isCode = false } = props;
  return (
    <div class="field">
      <label for={props.id}>{props.label}</label>
      <textarea {...shared(props)} class={isCode ? "bytes" : ""} rows={2} spellcheck={!isCode} />
    </div>
  );
}

function shared({ id, text, placeholder, describedBy, problem = "" }: Props) {
  return {
    id,
    "data-testid": id,
    placeholder,
    "aria-describedby": describedBy,
    "aria-invalid": problem !== "",
    value: text.value,
    onInput: (event: { currentTarget: { value: string } }) => {
      text.value = event.currentTarget.value;
    },
  };
}
