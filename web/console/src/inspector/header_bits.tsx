// The header of a frame as RFC 6455 §5.2 draws it, and what each of its fields says.

import { isNarrow } from "../parts/narrow.ts";
import { drawn, type Field } from "./bits.ts";

export function HeaderBits(props: { fields: readonly Field[] }) {
  const { fields } = props;
  const width = isNarrow.value ? 16 : 32;
  return (
    <>
      <div class="bits" aria-hidden="true" data-width={width} data-testid="inspector-bits">
        {drawn(fields, width).map((row) =>
          row.map(({ field, bits, column, goesOn }) => (
            <span
              key={`${field.name} ${column} ${goesOn}`}
              class="bits-field"
              data-bits={bits.length}
              style={{ gridColumn: `${column + 1} / span ${bits.length}` }}
              title={`${field.name}: ${field.says}`}
            >
              <span class="bits-bits">{grouped(bits)}</span>
              <span class="bits-name">{goesOn ? `${field.name}, going on` : field.name}</span>
            </span>
          )),
        )}
      </div>
      <table class="bits-table" data-testid="inspector-fields">
        <caption class="off-screen">The fields of the header</caption>
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Bits</th>
            <th scope="col">Says</th>
          </tr>
        </thead>
        <tbody>
          {fields.map((field) => (
            <tr key={field.name}>
              <th scope="row">{field.name}</th>
              <td>
                <code>{field.bits.length <= 8 ? field.bits : `${field.bits.length} bits`}</code>
              </td>
              <td>{field.says}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** Bits in groups of eight. */
function grouped(bits: string): string {
  return bits.length <= 8 ? bits : (bits.match(/.{1,8}/g) ?? []).join(" ");
}
