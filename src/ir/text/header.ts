import type { Node } from "ohm-js";
import { listWords } from "../../support/text.ts";
import { halves } from "../../tensor/dtype.ts";
import {
  stateKinds,
  type Edge,
  type EdgeGain,
  type EdgeNorm,
  type Initializer,
  type Input,
  type Iteration,
  type Parameter,
  type Position,
  type State,
  type SymbolDeclaration,
  type Value,
} from "../graph.ts";
import { all, numberOf, textOf, wholeOf, wrong, type Context } from "./context.ts";
import { items, optional } from "./grammar.ts";
import { readType } from "./sums.ts";

/** The name of a value without its `%`. */
export const valueName = (node: Node): string => node.sourceString.slice(1);

/** A name that is all digits is no hint: the printer gave it. */
export const hintOf = (name: string): string | undefined => (/^\d+$/.test(name) ? undefined : name);

/** Names a value; a name is given once. */
export function define(context: Context, node: Node, value: Value | undefined): void {
  const name = valueName(node);
  if (context.values.has(name)) wrong(context, "E603", node, `%${name} is made twice`);
  else context.values.set(name, value);
}

/** `%x: f32[B, 8]`, defined. */
function readTyped(context: Context, node: Node): Value | undefined {
  const type = readType(context, node.child(2));
  const hint = hintOf(valueName(node.child(0)));
  const value = type && (hint === undefined ? { type } : { type, hint });
  define(context, node.child(0), value);
  return value;
}

export function readDeclaration(context: Context, node: Node): SymbolDeclaration | undefined {
  const name = node.child(1).sourceString;
  const bound = optional(node.child(3));
  const max = bound && wholeOf(context, bound);
  const given = node.child(4).numChildren > 0 ? { given: true as const } : {};
  if (context.symbols.has(name)) {
    wrong(context, "E603", node.child(1), `the dim ${name} is declared twice`);
    return;
  }
  context.symbols.add(name);
  return max === undefined ? { name, ...given } : { name, max, ...given };
}

export function readInput(context: Context, node: Node): Input | undefined {
  const value = readTyped(context, node.child(1));
  const fill = optional(node.child(3));
  const own = optional(node.child(5));
  const name = own === undefined ? valueName(node.child(1).child(0)) : textOf(context, own);
  if (value === undefined || name === undefined) return undefined;
  return { name, value, fill: fill && numberOf(fill), span: undefined };
}

export function readParameter(context: Context, node: Node): Parameter | undefined {
  const value = readTyped(context, node.child(1));
  const init = readInitializer(context, node.child(3));
  const name = textOf(context, node.child(4));
  const half = optional(node.child(6))?.child(2);
  const kept = halves.find((each) => each === half?.sourceString);
  if (half !== undefined && kept === undefined) {
    wrong(context, "E605", half, `a parameter is kept as ${listWords(halves, "or")}, or says nothing`);
    return undefined;
  }
  if (value === undefined || init === undefined || name === undefined) return undefined;
  const read = { name, value, init, trainable: node.child(5).numChildren === 0, span: undefined };
  return kept === undefined ? read : { ...read, kept };
}

/** A state, `next` its own value until a later line says otherwise. */
export function readState(context: Context, node: Node): State | undefined {
  const value = readTyped(context, node.child(1));
  const init = readInitializer(context, node.child(3));
  const name = textOf(context, node.child(4));
  const word = optional(node.child(5));
  const kind = stateKinds.find((each) => each === (word?.sourceString ?? "kept"));
  if (kind === undefined) {
    wrong(context, "E605", word!, `a state is one of ${listWords(stateKinds, "or")}, or says nothing`);
    return;
  }
  if (value === undefined || init === undefined || name === undefined) return undefined;
  return { name, value, next: value, kind, init, span: undefined };
}

/** How many numbers each initializer has. */
const initializerNumbers = {
  constant: 1,
  normal: 2,
  truncated_normal: 2,
  uniform: 2,
  orthogonal: 1,
  eye: 1,
  unit: 2,
  xavier: 3,
  he: 3,
} as const;

function readInitializer(context: Context, node: Node): Initializer | undefined {
  const kind = node.child(0).sourceString;
  const values = items(node.child(2)).map(numberOf);
  const spread = optional(node.child(4))?.child(1);
  const distribution = spread?.sourceString;
  if (kind === "values" && spread === undefined) return { kind, values };
  if (!isInitializer(kind)) {
    wrong(context, "E605", node.child(0), `there is no initializer \`${kind}\``);
    return;
  }
  const count = initializerNumbers[kind];
  if (values.length !== count) {
    wrong(context, "E605", node.child(0), `${kind} takes ${count} numbers, got ${values.length}`);
    return;
  }
  const [a, b, c] = values as [number, number, number];
  if (kind === "xavier" || kind === "he") {
    if (distribution === "uniform" || distribution === "normal")
      return { kind, distribution, fanIn: a, fanOut: b, gain: c };
    wrong(context, "E605", spread ?? node.child(0), `${kind} needs \`by uniform\` or \`by normal\``);
    return;
  }
  if (spread !== undefined) {
    wrong(context, "E605", spread, `${kind} has no distribution to choose`);
    return;
  }
  if (kind === "constant") return { kind, value: a };
  if (kind === "orthogonal" || kind === "eye") return { kind, gain: a };
  if (kind === "unit") return { kind, index: a, gain: b };
  return kind === "uniform" ? { kind, low: a, high: b } : { kind, mean: a, std: b };
}

const isInitializer = (kind: string): kind is keyof typeof initializerNumbers =>
  Object.hasOwn(initializerNumbers, kind);

export function readScope(context: Context, node: Node | undefined): Iteration[] | undefined {
  if (node === undefined) return [];
  return all(
    node.child(1).children.map((iteration) => {
      const label = textOf(context, iteration.child(0));
      const index = wholeOf(context, iteration.child(2));
      if (label === undefined || index === undefined) return undefined;
      return optional(iteration.child(4)) === undefined
        ? { label, index }
        : { label, index, checkpoint: true as const };
    }),
  );
}

/** `edge 0 "h.0 edge 0" from "stream" { pre layernorm "h.0.ln_1"; branch "h.0.attn" }`; edges stand in order. */
export function readEdge(context: Context, node: Node, expectedIndex: number): Edge | undefined {
  const index = wholeOf(context, node.child(1));
  if (index !== undefined && index !== expectedIndex) {
    wrong(context, "E607", node.child(1), `edges stand in order: expected ${expectedIndex}, got ${index}`);
    return;
  }
  const name = textOf(context, node.child(2));
  const source = textOf(context, node.child(4));
  const parts = items(node.child(6)).map((part) => part.child(0));
  const scope = readScope(context, optional(node.child(8)));
  const branches = all(partsOf(parts, "Part_branch").map((part) => textOf(context, part.child(1))));
  const norms = all(partsOf(parts, "Part_norm").map((part) => readNorm(context, part)));
  const gains = partsOf(parts, "Part_gain");
  const [skip, branch] = ["skip", "gain"].map((word) => readGain(context, gains, word));
  if (name === undefined || source === undefined || scope === undefined) return undefined;
  if (branches === undefined || norms === undefined) return undefined;
  return { name, span: undefined, scope, source, branches, norms, skip, branch };
}

const partsOf = (parts: readonly Node[], rule: string): Node[] =>
  parts.filter(({ ctorName }) => ctorName === rule);

function readNorm(context: Context, part: Node): EdgeNorm | undefined {
  const kind = textOf(context, part.child(1));
  const label = textOf(context, part.child(2));
  const position = part.child(0).sourceString as Position;
  if (kind === undefined || label === undefined) return undefined;
  const times = optional(part.child(3));
  const text = times && textOf(context, times.child(2));
  if (text === undefined) return { position, kind, label };
  return { position, kind, label, gain: { kind: times!.child(1).sourceString as EdgeGain["kind"], text } };
}

function readGain(context: Context, gains: readonly Node[], word: string): EdgeGain | undefined {
  const [gain, another] = gains.filter((part) => part.child(0).sourceString === word);
  if (another !== undefined) {
    wrong(context, "E607", another, `an edge has one ${word}`);
    return;
  }
  const text = gain && textOf(context, gain.child(2));
  return text === undefined ? undefined : { kind: gain!.child(1).sourceString as EdgeGain["kind"], text };
}
