import { parse } from "../../language/parse.ts";
import { layerRecords } from "../../lower/layers/table.ts";
import { showMeaning } from "../../lower/values/meaning.ts";
import type { Attribute } from "../../ops/attributes.ts";
import { opNames, recordOf, type OpName } from "../../ops/table.ts";
import { stdSources } from "../../std/std.generated.ts";
import { wordEntries, type WordKind } from "../../editor/words.ts";
import { spanText } from "../../support/source.ts";

/** One thing that can be looked up with `lmg ops`. */
export interface Entry {
  readonly kind: "layer" | "block" | "op" | WordKind;
  readonly name: string;
  /** How it is written: `linear(n: int, bias: bool = true)`. */
  readonly usage: string;
  /** What it does, with the formula. */
  readonly doc: string;
  /** Layers: what they own. Ops: where they may stand. Words: what they are. */
  readonly note: string;
}

/** Every layer, library block, word of the language and op, from the tables that the compiler itself runs on. */
export const documentation = (): readonly Entry[] => [
  ...layerEntries(),
  ...blockEntries(),
  ...wordEntries().map((entry) => ({ ...entry, note: "" })),
  ...opNames.map(opEntry),
];

function layerEntries(): Entry[] {
  return Object.entries(layerRecords).map(([name, { doc, operands, parameters, owns }]) => {
    const given = Object.entries(parameters).map(([parameter, { kind, fallback }]) => {
      const type = kind.words?.join(" | ") ?? kind.name;
      return fallback === undefined
        ? `${parameter}: ${type}`
        : `${parameter}: ${type} = ${showMeaning(fallback)}`;
    });
    const call = given.length === 0 ? name : `${name}(${given.join(", ")})`;
    const flow = operands.length === 0 ? call : `${tuple(operands)} -> ${call}`;
    const note =
      owns.length === 0 ? "" : `owns ${owns.map((suffix) => `LABEL${suffix && "."}${suffix}`).join(", ")}`;
    return { kind: "layer", name, usage: flow, doc, note };
  });
}

const tuple = (names: readonly string[]): string =>
  names.length === 1 ? names[0]! : `(${names.join(", ")})`;

/** The blocks of the standard library, with the comment above each. */
function blockEntries(): Entry[] {
  return stdSources.flatMap(({ name, text }) => {
    const source = { name, text };
    return parse(source).file.definitions.map((definition): Entry => {
      const head = { source, start: definition.span.start, end: definition.body.span.start };
      const usage = spanText(head)
        .replace(/^block\s+/, "")
        .replace(/\s+/g, " ")
        .trim();
      const doc = commentAbove(text, definition.span.start);
      return { kind: "block", name: definition.name.text, usage, doc, note: `std/${name}` };
    });
  });
}

/** The `//` lines that end right above an offset. */
function commentAbove(text: string, offset: number): string {
  const lines = text.slice(0, offset).split("\n").slice(0, -1);
  const first = lines.findLastIndex((line) => !line.startsWith("//")) + 1;
  return lines
    .slice(first)
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join(" ");
}

function opEntry(name: OpName): Entry {
  const { doc, operands, attrs, results, stage } = recordOf(name);
  const marks = { one: "", optional: "?", many: "*" } as const;
  const given = [
    ...Object.entries(operands).map(([operand, kind]) => `${operand}${marks[kind]}`),
    ...Object.entries(attrs).map(([attribute, spec]) => `${attribute}: ${showAttribute(spec)}`),
  ];
  const usage = `${name}(${given.join(", ")}) -> ${results.join(", ")}`;
  return { kind: "op", name, usage, doc, note: `${stage} op` };
}

function showAttribute(attribute: Attribute<unknown>): string {
  const type = attribute.words?.join(" | ") ?? attribute.kind;
  if (attribute.default === undefined) return type;
  const value = JSON.stringify(attribute.default).replaceAll('"', "").replaceAll(",", ", ");
  return `${type} = ${value}`;
}
