// What `/metrics` answers, as numbers: the text format of OpenMetrics, as far as it is needed here.

/** A number, and what it is of. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads the samples; lines that are none say nothing here. */
export function readMetrics(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const [, name, labels = "", number] = LINE.exec(line) ?? [];
    const value = Number(number);
    if (name === undefined || Number.isNaN(value)) return [];
    return [{ name, labels: readLabels(labels), value }];
  });
}

function readLabels(text: string): Record<string, string> {
  const pairs = [...text.matchAll(LABEL)].map(([, name = "", value = ""]) => [
    name,
    value.replace(/\\(.)/g, (_, letter) => (letter === "n" ? "\n" : letter)),
  ]);
  return Object.fromEntries(pairs);
}
