import { append } from "../../support/lists.ts";
import type { Graph, Node, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { isStack } from "../../ir/stacks.ts";
import { isLoop, type Loop, type LoopClass, type RolledPart } from "../../ir/roll/rolled.ts";
import { constantDim, symbolsOf, type Dim } from "../../tensor/dim.ts";
import { partName } from "../../tensor/stack-names.ts";
import { InternalError } from "../../support/invariant.ts";
import { Refused, writeNode } from "../table.ts";
import { commentOf } from "./comments.ts";
import { hintOf } from "./hints.ts";
import { carriedNames, lastReads, nestedIn, readersOf } from "./liveness.ts";
import { Modules, ownModule } from "./modules.ts";
import { atom, atomText, dimsText, dimText, variable, type Expression } from "./python.ts";
import { WIDTH } from "../python/statement.ts";
import type { Extras, Shared } from "./shared.ts";
import type { Site } from "./site.ts";

export interface BodyOptions {
  readonly file: Shared;
  readonly graph: Graph;
  readonly modules: Modules;
  /** Before the names of the parameters that are its own: `model.layers.1.`. */
  readonly prefix: string;
  readonly parts: readonly RolledPart[];
  /** What is read after its end. */
  readonly results: readonly Value[];
  readonly extras: Extras;
  /** Names of what is there when it begins. */
  readonly given: ReadonlyMap<Value, string>;
  /** Names that it may not take: what its surroundings still read. */
  readonly blocked?: ReadonlySet<string>;
  /** An attribute's name in the class, for those that vary. */
  readonly varied?: (node: Node, attribute: string) => string | undefined;
}

/** The statements of one function. */
export class Body {
  readonly lines: string[] = [];
  readonly #options: BodyOptions;
  readonly #names: Map<Value, string>;
  /** What is written where it is read. */
  readonly #inline = new Map<Value, { readonly node: Node; readonly written: Expression }>();
  /** Names that values should have if they are free: of what loops carry. */
  readonly #wanted: ReadonlyMap<Value, string>;
  readonly #producers = new Map<Value, Node>();
  readonly #parameters: ReadonlyMap<Value, string>;
  readonly #lastRead: ReadonlyMap<Value, number>;
  readonly #readers: ReadonlyMap<Value, readonly number[]>;
  readonly #isNested: ReadonlySet<Value>;
  #at = 0;
  #line: string | undefined;

  constructor(options: BodyOptions) {
    this.#options = options;
    this.#names = new Map(options.given);
    this.#parameters = new Map(options.graph.parameters.map(({ value, name }) => [value, name]));
    for (const node of options.graph.nodes)
      for (const value of node.results) this.#producers.set(value, node);
    this.#readers = readersOf(options.parts);
    this.#isNested = nestedIn(options.parts, this.#readers, new Set(options.results));
    this.#wanted = carriedNames(options.parts, this.#readers);
    this.#lastRead = lastReads(options.parts, this.#readers, this.#isNested, options.results);
  }

  /** Writes all parts; afterwards `read` names the results. */
  write(indent: string): void {
    for (const [at, part] of this.#options.parts.entries()) {
      this.#at = at;
      if (isLoop(part)) this.#loop(part, indent);
      else this.#node(part, indent);
    }
    this.#at = this.#options.parts.length;
  }

  read(value: Value): string {
    return this.#expression(value).text;
  }

  /** Gives a value that is there another name, if it has none that is free for it. */
  #expression(value: Value): Expression {
    const inline = this.#inline.get(value);
    if (inline !== undefined) return inline.written;
    const name = this.#names.get(value);
    if (name !== undefined) return atom(name);
    const parameter = this.#parameters.get(value);
    if (parameter !== undefined) return atom(this.#parameter(parameter, value));
    const made = this.#numberOf(value);
    const node = this.#producers.get(value);
    if (made !== undefined && node !== undefined)
      return writeNode(this.#options.file.form.table, node, this.#site(node));
    throw new InternalError(`a value of ${node?.op ?? "an input"} is read where it is not there`);
  }

  #parameter(full: string, value: Value): string {
    const { prefix, modules, file } = this.#options;
    const name = full.slice(prefix.length);
    if (isStack(name)) return this.#stack(name, value);
    if (!modules.has(name)) modules.add(name, file.parameter(value));
    return Modules.access(name);
  }

  /** A parameter whose parts have names of their own: `[each.w1.weight for each in self.experts]`. */
  #stack(name: string, { type }: Value): string {
    const { modules, file } = this.#options;
    const [count, ...shape] = type.shape as [Dim, ...Dim[]];
    for (let part = 0; part < constantDim(count)!; part++) {
      const own = partName(name, part);
      if (!modules.has(own)) modules.add(own, file.parameter({ type: { ...type, shape } }));
    }
    const [list, ...rest] = name.split(".*.");
    const each = Modules.access(rest.join(".")).replace(/^self/, "each");
    return `torch.stack([${each} for each in ${Modules.access(list!)}])`;
  }

  #node(node: Node, indent: string): void {
    if (node.op === "batch_statistics" || this.#numberOf(node.results[0]!) !== undefined) return;
    const written = writeNode(this.#options.file.form.table, node, this.#site(node));
    const [result] = node.results as [Value];
    if (this.#isNested.has(result) && written.text.length < WIDTH - 40) {
      this.#inline.set(result, { node, written });
      return;
    }
    if (indent.length + written.text.length > WIDTH - 20 && this.#unnest(node, written.text, indent))
      this.#node(node, indent);
    else this.#state(node, written, indent);
  }

  /** `at`: what is read after that place keeps its name. */
  #state(node: Node, written: Expression, indent: string, at = this.#at): void {
    const targets = node.results.map((value) =>
      this.#assign(value, hintOf(node, value, { wanted: this.#wanted, producers: this.#producers }), at),
    );
    if (targets.every((name) => name === undefined)) return;
    this.#say(`${targets.map((name) => name ?? "_").join(", ")} = ${written.text}`, node, indent);
  }

  /** Makes statements of what would be written inside of a line that is too long; whether there was any. */
  #unnest(node: Node, whole: string, indent: string): boolean {
    const long = operandValues(node).filter((value) => {
      const inner = this.#inline.get(value)?.written.text;
      // Some nodes are written by what stands before their operands.
      return inner !== undefined && inner.length > 20 && whole.includes(inner);
    });
    for (const value of new Set(long)) {
      const { node: inner, written } = this.#inline.get(value)!;
      this.#inline.delete(value);
      this.#state(inner, written, indent, this.#at - 1);
    }
    return long.length > 0;
  }

  /** A statement with where it stands in the model, where that is another line than before. */
  #say(statement: string, node: Node, indent: string): void {
    const { text, line } = commentOf(node, this.#options.graph);
    const said = line === this.#line && text === "" ? "" : text === "" ? line : text;
    this.#line = line;
    this.lines.push(`${indent}${statement}${said === "" || said === undefined ? "" : `  # ${said}`}`);
  }

  /** A name for a value that is read later; undefined if nobody reads it. */
  #assign(value: Value, hint: string, at = this.#at): string | undefined {
    if (!this.#lastRead.has(value)) return undefined;
    const name = this.#free(variable(hint), at);
    this.#names.set(value, name);
    return name;
  }

  /** The name, or one like it that nothing has which is read after this part. */
  #free(wanted: string, at: number): string {
    const busy = this.#busy(at);
    let name = wanted;
    for (let number = 1; busy.has(name); number++) name = `${wanted}_${number}`;
    return name;
  }

  /** Names that are read after the part at that place, or outside. */
  #busy(at: number): Set<string> {
    const busy = new Set([
      ...(this.#options.blocked ?? []),
      ...this.#options.extras,
      ...this.#options.file.names,
    ]);
    for (const [value, name] of this.#names) if ((this.#lastRead.get(value) ?? -1) > at) busy.add(name);
    return busy;
  }

  #numberOf(value: Value): number | undefined {
    const node = this.#producers.get(value);
    return node?.op === "full" && node.attrs.shape.length === 0 && node.attrs.dtype !== "bool"
      ? node.attrs.value
      : undefined;
  }

  #site(node: Node): Site {
    const { file, extras, modules, prefix, varied } = this.#options;
    const dims = (sizes: readonly Dim[]): void => {
      for (const size of sizes) for (const symbol of symbolsOf(size)) extras.add(symbol);
    };
    return {
      read: (value) => this.#expression(value).text,
      atom: (value) => atomText(this.#expression(value)),
      numberOf: (value) => this.#numberOf(value),
      dim: (size) => {
        dims([size]);
        return dimText(size);
      },
      dims: (shape) => {
        dims(shape);
        return dimsText(shape);
      },
      helper: (name) => file.helper(name),
      module: (constructor, owned) => ownModule(constructor, owned, prefix, this.#parameters, modules),
      device: () => `${this.#anything(node)}.device`,
      hoisted: (name, write) => {
        const found = file.once.hoisted(name, write);
        extras.add(found);
        return found;
      },
      constant: (name, values) => file.once.constant(name, values),
      varied: varied ?? (() => undefined),
      isTied: (value) => file.tied.has(value),
      producer: (value) => this.#producers.get(value),
      part: (name, constructor) => modules.addFree(name, constructor, this.#options.graph.parameters),
      handed: (names) => void extras.add(names),
    };
  }

  /** Something that is surely there. */
  #anything(node: Node): string {
    for (const value of operandValues(node)) {
      const name = this.#names.get(value);
      if (name !== undefined) return name;
    }
    const [first] = this.#options.given.values();
    return first ?? this.#options.file.firstInput;
  }

  #loop(loop: Loop, indent: string): void {
    if (loop.chain === undefined) this.#calls(loop, indent);
    else if (loop.shared) this.#rounds(loop, indent);
    else this.#chain(loop, indent);
  }

  /** `for layer in self.layers: x = layer(x, …)` */
  #chain(loop: Loop, indent: string): void {
    const { lanes, invariants, wiring } = loop.chain!;
    const { file } = this.#options;
    const arguments_ = invariants.map((value) => this.read(value));
    const carried = this.#carry(loop, indent);
    const names = file.argumentNames(carried, invariants, arguments_);
    const classes = file.classes(loop, (body, number) => ({
      given: new Map(
        body.inputs.map((value, slot) => {
          const wire = wiring[number]![slot]!;
          return [value, "lane" in wire ? carried[wire.lane]! : names[wire.invariant]!];
        }),
      ),
      names: [...carried, ...names],
      returned: lanes.map((lane) => body.outputs[lane.outputs[number]!]!),
    }));
    for (const extra of classes.extras) this.#options.extras.add(extra);
    this.#options.modules.addList(this.#relative(loop.label), classes.list);
    const given = [...carried, ...arguments_, ...classes.extras].join(", ");
    this.lines.push(`${indent}for layer in ${Modules.access(this.#relative(loop.label))}:`);
    this.lines.push(`${indent}    ${carried.join(", ")} = layer(${given})`);
    this.#line = undefined;
  }

  /** Names for what a loop carries, which have its first values when it begins and its last when it ends. */
  #carry(loop: Loop, indent: string): readonly string[] {
    const { lanes } = loop.chain!;
    const busy = this.#busy(this.#at);
    for (const value of loop.chain!.invariants) {
      const name = this.#names.get(value);
      if (name !== undefined) busy.add(name);
    }
    const carried = lanes.map(({ initial, final }, at) => {
      const own = this.#names.get(initial);
      const wanted = lanes.length === 1 ? "x" : variable(final.hint ?? `carried_${at}`);
      let name = own !== undefined && own === wanted && !busy.has(own) ? own : wanted;
      for (let number = 1; busy.has(name); number++) name = `${wanted}_${number}`;
      busy.add(name);
      return name;
    });
    const before = lanes.map(({ initial }) => this.read(initial));
    const changed = carried.some((name, at) => name !== before[at]);
    if (changed) this.lines.push(`${indent}${carried.join(", ")} = ${before.join(", ")}`);
    lanes.forEach(({ final }, at) => this.#names.set(final, carried[at]!));
    return carried;
  }

  /** `for _ in range(12):` and the body, for iterations that have no parameters of their own. */
  #rounds(loop: Loop, indent: string): void {
    const { lanes, invariants, wiring } = loop.chain!;
    const [only, ...others] = loop.classes as [LoopClass, ...LoopClass[]];
    if (others.length > 0) throw new Refused("shape", "a shared repeat whose rounds differ");
    const carried = this.#carry(loop, indent);
    const given = new Map(
      only.inputs.map((value, slot) => {
        const wire = wiring[0]![slot]!;
        return [
          value,
          "lane" in wire ? carried[wire.lane]! : this.read(invariants[wire.invariant]!),
        ] as const;
      }),
    );
    const results = lanes.map((lane) => only.outputs[lane.outputs[0]!]!);
    const blocked = this.#busy(this.#at - 1);
    carried.forEach((name) => blocked.delete(name));
    for (const value of invariants) blocked.add(this.read(value));
    const body = new Body({ ...this.#options, parts: only.parts, results, given, blocked });
    body.write(`${indent}    `);
    this.lines.push(`${indent}for _ in range(${loop.iterations.length}):`);
    append(this.lines, body.lines);
    const ends = results.map((value) => body.read(value));
    if (ends.some((end, at) => end !== carried[at]))
      this.lines.push(`${indent}    ${carried.join(", ")} = ${ends.join(", ")}`);
    this.#line = undefined;
  }

  /** Each iteration by itself: its values are its own. */
  #calls(loop: Loop, indent: string): void {
    if (loop.shared)
      throw new Refused("shape", "a shared repeat whose rounds do not read the one before alone");
    const { file } = this.#options;
    const classes = file.classes(loop, (body) => {
      const names = body.inputs.map((value, at) => variable(value.hint ?? `input_${at}`));
      const distinct = names.map((name, at) => (names.indexOf(name) < at ? `${name}_${at}` : name));
      return {
        given: new Map(body.inputs.map((value, at) => [value, distinct[at]!])),
        names: distinct,
        returned: body.outputs,
      };
    });
    for (const extra of classes.extras) this.#options.extras.add(extra);
    const label = this.#relative(loop.label);
    this.#options.modules.addList(label, classes.list);
    for (const [at, iteration] of loop.iterations.entries()) {
      const given = [...iteration.inputs.map((value) => this.read(value)), ...classes.extras].join(", ");
      const targets = iteration.outputs.map((value) => this.#assign(value, value.hint ?? "x") ?? "_");
      this.lines.push(`${indent}${targets.join(", ")} = ${Modules.access(label)}[${at}](${given})`);
    }
    this.#line = undefined;
  }

  #relative(label: string): string {
    return label.slice(this.#options.prefix.length);
  }
}
