import type { Node, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { isLoop, type Loop, type RolledPart } from "../../ir/roll/rolled.ts";
import { isStack } from "../../ir/stacks.ts";
import { constantDim, symbolsOf } from "../../tensor/dim.ts";
import { partName } from "../../tensor/stack-names.ts";
import { InternalError } from "../../support/invariant.ts";
import { writeNode } from "../table.ts";
import { commentOf } from "../torch/comments.ts";
import { atom, atomText, dimsText, dimText, text, type Expression } from "../torch/python.ts";
import { WIDTH } from "../python/statement.ts";
import { jaxTable } from "./ops/table.ts";
import { variable } from "./names.ts";
import type { Site } from "./site.ts";
import type { LayerFunction, Shared } from "./shared.ts";

export interface BodyOptions {
  readonly file: Shared;
  /** Before the names of the parameters that it reads: `model.layers.1.`. */
  readonly prefix: string;
  /** What its parameters are called: `params` in the model, `p` in a layer. */
  readonly own: string;
  readonly parts: readonly RolledPart[];
  /** What is read after its end. */
  readonly results: readonly Value[];
  /** Names of what is there when it begins. */
  readonly given: ReadonlyMap<Value, string>;
}

/** The statements of one function. */
export class Body {
  readonly lines: string[] = [];
  /** Sizes, tables and the key, which are handed down. */
  readonly extras = new Set<string>();
  readonly #options: BodyOptions;
  readonly #names: Map<Value, string>;
  readonly #inline = new Map<Value, Expression>();
  readonly #taken: Set<string>;
  readonly #readers: ReadonlyMap<Value, readonly number[]>;

  constructor(options: BodyOptions) {
    this.#options = options;
    this.#names = new Map(options.given);
    this.#taken = new Set(options.given.values());
    this.#readers = readersOf(options.parts, options.results);
  }

  write(indent: string): void {
    for (const [at, part] of this.#options.parts.entries())
      if (isLoop(part)) this.#loop(part, indent);
      else this.#node(part, at, indent);
  }

  read(value: Value): string {
    return this.#expression(value).text;
  }

  #expression(value: Value): Expression {
    const inline = this.#inline.get(value);
    if (inline !== undefined) return inline;
    const name = this.#names.get(value);
    if (name !== undefined) return atom(name);
    const parameter = this.#options.file.parameterName(value);
    if (parameter !== undefined) return atom(this.#parameter(parameter, value));
    throw new InternalError("a value is read where it is not there");
  }

  #parameter(full: string, { type }: Value): string {
    const { file, own, prefix } = this.#options;
    const key = (name: string): string =>
      `${own}[${text(prefix === "" ? file.keyOf(name) : name.slice(prefix.length))}]`;
    if (!isStack(full)) return key(full);
    const count = constantDim(type.shape[0]!)!;
    const parts = Array.from({ length: count }, (_, part) => key(partName(full, part)));
    return `jnp.stack((${parts.join(", ")},))`;
  }

  #node(node: Node, at: number, indent: string): void {
    const written = writeNode(jaxTable, node, this.#site());
    const [result] = node.results as [Value];
    const readers = this.#readers.get(result) ?? [];
    const isScalar = node.op === "full" && result.type.shape.length === 0;
    const isNear = readers.length === 1 && readers[0]! > at && readers[0]! < this.#options.parts.length;
    const isRead = !isLoop(this.#options.parts[readers[0] ?? 0] ?? node);
    if (
      isScalar ||
      (node.results.length === 1 &&
        isNear &&
        isRead &&
        nested.has(node.op) &&
        written.text.length < WIDTH - 50)
    ) {
      this.#inline.set(result, written);
      return;
    }
    const targets = node.results.map((value) =>
      (this.#readers.get(value)?.length ?? 0) === 0 ? "_" : this.#assign(value, hintOf(node, value)),
    );
    if (targets.every((name) => name === "_")) return;
    const said = commentOf(node, this.#options.file.graph);
    const comment = said.text === "" ? said.line : said.text;
    const behind = comment === undefined || comment === "" ? "" : `  # ${comment}`;
    this.lines.push(`${indent}${targets.join(", ")} = ${written.text}${behind}`);
  }

  /** A name that nothing else in this function has. */
  #assign(value: Value, hint: string): string {
    const wanted = variable(hint);
    let name = wanted;
    for (let number = 1; this.#taken.has(name) || this.#options.file.names.has(name); number++)
      name = `${wanted}_${number}`;
    this.#taken.add(name);
    this.#names.set(value, name);
    return name;
  }

  #site(): Site {
    const { file } = this.#options;
    const note = (symbols: Iterable<string>): void => {
      for (const symbol of symbols) this.extras.add(symbol);
    };
    return {
      read: (value) => this.#expression(value).text,
      atom: (value) => atomText(this.#expression(value)),
      dim: (size) => {
        note(symbolsOf(size));
        return dimText(size);
      },
      dims: (shape) => {
        for (const size of shape) note(symbolsOf(size));
        return dimsText(shape);
      },
      helper: (name) => file.helper(name),
      hoisted: (name, write) => {
        const found = file.once.hoisted(name, write);
        this.extras.add(found);
        return found;
      },
      constant: (name, values) => file.once.constant(name, values),
      key: () => {
        this.extras.add("key");
        return "key";
      },
      draw: () => file.draw(),
      producer: (value) => file.producer(value),
    };
  }

  /** Layers of one body are a scan over their stacked parameters; others are called one after the other. */
  #loop(loop: Loop, indent: string): void {
    const { file } = this.#options;
    const written = file.functions(loop, this.#options.prefix);
    for (const extra of written.flatMap(({ extras }) => extras)) this.extras.add(extra);
    if (file.isStacked(loop)) this.#scan(loop, written[0]!, indent);
    else this.#calls(loop, written, indent);
  }

  /** `x, _ = lax.scan(lambda x, p: (layer(x, p), None), x, under(params, "h"))` */
  #scan(loop: Loop, { name, extras }: LayerFunction, indent: string): void {
    const { lanes, invariants } = loop.chain!;
    const before = lanes.map(({ initial }) => this.read(initial));
    const given = invariants.map((value) => this.read(value));
    const carried = lanes.map(({ final }) =>
      this.#assign(final, lanes.length === 1 ? "x" : (final.hint ?? "carried")),
    );
    const hasKey = extras.includes("key");
    const rest = extras.map((extra) => (extra === "key" ? "each[1]" : extra));
    const start = carried.length === 1 ? "x" : "*x";
    const layer = loop.checkpoint ? `jax.checkpoint(${name})` : name;
    const call = `${layer}(${[start, ...given, hasKey ? "each[0]" : "each", ...rest].join(", ")})`;
    const layers = `under(${this.#options.own}, ${text(loop.label)})`;
    const count = loop.iterations.length;
    const over = hasKey ? `(${layers}, None if key is None else jax.random.split(key, ${count}))` : layers;
    const tuple = (names: readonly string[]): string =>
      names.length === 1 ? names[0]! : `(${names.join(", ")})`;
    this.lines.push(
      `${indent}${tuple(carried)}, _ = lax.scan(lambda x, each: (${call}, None), ${tuple(before)}, ${over})`,
    );
  }

  #calls(loop: Loop, written: readonly LayerFunction[], indent: string): void {
    for (const [at, iteration] of loop.iterations.entries()) {
      const { name, extras } = written[iteration.class]!;
      const own = loop.shared
        ? this.#options.own
        : `under(${this.#options.own}, ${text(iteration.prefix.slice(this.#options.prefix.length, -1))}, ".")`;
      const others = extras.map((extra) =>
        extra === "key" ? `None if key is None else jax.random.fold_in(key, ${at})` : extra,
      );
      const given = [...iteration.inputs.map((value) => this.read(value)), own, ...others].join(", ");
      const targets = iteration.outputs.map((value) => this.#assign(value, value.hint ?? "x"));
      this.lines.push(`${indent}${targets.join(", ")} = ${name}(${given})`);
    }
  }
}

/** By the places of the parts that read a value; the end is behind all of them. */
function readersOf(
  parts: readonly RolledPart[],
  results: readonly Value[],
): ReadonlyMap<Value, readonly number[]> {
  const readers = new Map<Value, number[]>();
  const add = (value: Value, at: number): void =>
    void readers.set(value, [...(readers.get(value) ?? []), at]);
  for (const [at, part] of parts.entries()) for (const value of readBy(part)) add(value, at);
  for (const value of results) add(value, parts.length);
  return readers;
}

function readBy(part: RolledPart): readonly Value[] {
  if (!isLoop(part)) return operandValues(part);
  return part.iterations.flatMap(({ inputs }) => inputs);
}

/** Ops whose text reads well inside of what reads them. */
const nested: ReadonlySet<string> = new Set(
  (
    "linear reshape permute slice cast broadcast rope silu gelu gelu_tanh relu relu2 tanh sigmoid softplus square exp neg sqrt " +
    "rsqrt log abs iota dropout add sub mul div pow eq ne lt le gt ge not l2_norm take"
  ).split(" "),
);

function hintOf(node: Node, value: Value): string {
  if (node.op === "residual") return "x";
  const label = node.origin.label
    .split(".")
    .filter((part) => !/^\d+$/.test(part))
    .at(-1);
  if (
    ["linear", "rms_norm", "layer_norm", "embedding", "conv2d"].includes(node.op) &&
    label !== undefined &&
    label !== ""
  )
    return label;
  return value.hint?.replace(/_\d+$/, "") ?? (node.op === "attend" ? "attended" : node.op);
}
