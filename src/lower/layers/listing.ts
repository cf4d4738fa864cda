import type { Definition, File } from "../../language/ast.ts";
import { spanText, type Span } from "../../support/source.ts";
import { describeKind } from "../values/kinds.ts";
import { layerRecords } from "./table.ts";
import type { Module } from "../names/module.ts";
import { library, loadModule, type ResolveUse } from "../names/modules.ts";
import { showMeaning } from "../values/meaning.ts";
import { blockSignature } from "../calls/signature.ts";

/** A model, block or layer as a help text lists it. */
export interface ListedDefinition {
  readonly kind: "model" | "block" | "layer";
  readonly name: string;
  /** The comment above it, or a layer's own sentence; empty without. */
  readonly doc: string;
  /** What flows in: inputs, or operands (`x`, `mask?`, `values*`). */
  readonly inputs: readonly string[];
  readonly parameters: readonly ListedParameter[];
  /** What follows the label in the names of a layer's weights. */
  readonly owns: readonly string[];
  readonly span: Span | undefined;
}

export interface ListedParameter {
  readonly name: string;
  /** `a whole number`, `one of pre, out, post, sandwich, none`. */
  readonly kind: string;
  /** As written; undefined if it must be given. */
  readonly default: string | undefined;
}

/** The models and blocks of a file, in text order. */
export function listDefinitions(
  file: File,
  resolveUse: ResolveUse = () => undefined,
): readonly ListedDefinition[] {
  const module = loadModule(file, resolveUse, () => undefined);
  return file.definitions.map((definition) => listDefinition(definition, module));
}

/** The blocks of the standard library, by name. */
export function listLibrary(): readonly ListedDefinition[] {
  return [...library.names()].toSorted().flatMap((name) => {
    const found = library.find(name);
    return found === undefined ? [] : [listDefinition(found.definition, found.module)];
  });
}

/** Every layer that is no block, by name. */
export const listLayers = (): readonly ListedDefinition[] =>
  Object.entries(layerRecords)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, record]) => ({
      kind: "layer",
      name,
      doc: record.doc,
      inputs: record.operands,
      parameters: Object.entries(record.parameters).map(([parameter, { kind, fallback }]) => ({
        name: parameter,
        kind: describeKind(kind),
        default: fallback === undefined ? undefined : showMeaning(fallback),
      })),
      owns: record.owns,
      span: undefined,
    }));

function listDefinition(definition: Definition, module: Module): ListedDefinition {
  const signature = blockSignature(definition, module, library);
  return {
    kind: definition.kind,
    name: definition.name.text,
    doc: commentAbove(definition),
    inputs: definition.body.statements.flatMap((statement) =>
      statement.kind === "input" ? [statement.name.text + (statement.default === undefined ? "" : "?")] : [],
    ),
    parameters: definition.parameters.map((parameter) => ({
      name: parameter.name.text,
      kind: describeKind(signature.get(parameter.name.text)!.kind),
      default: parameter.default === undefined ? undefined : spanText(parameter.default.span),
    })),
    owns: [],
    span: definition.span,
  };
}

/** The comment lines right above a definition, without their slashes. */
function commentAbove({ span }: Definition): string {
  const lines = span.source.text.slice(0, span.start).split("\n").slice(0, -1);
  const above: string[] = [];
  for (const line of lines.toReversed()) {
    const comment = /^\s*\/\/ ?(.*)$/.exec(line);
    if (comment === null) break;
    above.unshift(comment[1]!);
  }
  return above.join("\n");
}
