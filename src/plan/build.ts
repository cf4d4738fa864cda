import type { Graph, Input, Node, NodeOf, State, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { verifyProgram, type Program } from "../ir/program.ts";
import { nodeFlops } from "../ir/stats.ts";
import { attributeSizes } from "../ir/verify.ts";
import { resultValues } from "../ir/walk.ts";
import { invariant } from "../support/invariant.ts";
import { addDims, constantDim, dim, sameDim, symbolsOf } from "../tensor/dim.ts";
import { elementsOf, type TensorType } from "../tensor/type.ts";
import type { OperandForm } from "../kernels/panels.ts";
import { formFor, portableTarget, type Target } from "../kernels/target.ts";
import { Copies, copyStep } from "./copies.ts";
import { assignSlots } from "./memory.ts";
import { namesOf, outputOrigin } from "./names.ts";
import type { Plan, PlanInput, PlanOutput, PlanPart, ProgramPlan, Step } from "./plan.ts";
import { selectKernel, type KernelChoice } from "./select.ts";
import { isSameWord, isShapeNode, stretched, viewOfNode, type ShapeNode } from "./shape-views.ts";
import { keyOfConstant, keyOfStep, keyOfView, PlanTables } from "./shared.ts";
import { sizeNeeds } from "./size-needs.ts";
import { isMemoryOf, keepStates, writesInPlace } from "./state.ts";
import { broadcastView, hasForm, isDense, sameView, sliceView, type View } from "../kernels/view.ts";

export interface PlanOptions {
  /** Parameters that the graph lost with outputs that were not asked for. */
  readonly notNeeded?: readonly string[];
  /** What the plan is made for; what every target can run if it is left out. */
  readonly target?: Target;
}

/**
 * The plan of a graph that has no residual edges left: nodes in their order, each a kernel step, a view or a copy.
 * Linear in the graph, but for slots, which are few.
 */
export function planGraph(graph: Graph, options: PlanOptions = {}): Plan {
  const { shared, parts } = planProgram({ name: graph.name, parts: { [graph.name]: graph } }, options);
  return { ...shared, ...parts[0]! };
}

/**
 * Plans several graphs over one state: what is read of a parameter, a constant or a state is one buffer for all of them,
 * and what several prepare alike is prepared once.
 *
 * @throws RangeError for graphs that do not fit together, as `verifyProgram` says it
 */
export function planProgram(
  program: Program,
  { notNeeded = [], target = portableTarget }: PlanOptions = {},
): ProgramPlan {
  const problems = verifyProgram(program);
  if (problems.length > 0) throw new RangeError(problems.join("; "));
  const { name, parts } = program;
  const tables = new PlanTables(target);
  const planned = Object.entries(parts).map(([part, graph]) => new PartBuilder(tables, graph).build(part));
  return { name, shared: tables.finish(notNeeded), parts: planned };
}

/** Plans one graph. */
class PartBuilder {
  readonly #tables: PlanTables;
  readonly #graph: Graph;
  readonly #inPlace: ReadonlyMap<Node, string>;
  readonly #steps: Step[] = [];
  readonly #views = new Map<Value, View>();
  readonly #inputs = new Set<number>();
  readonly #copies: Copies;
  /** The weights of linears, by rows of outputs. */
  readonly #multiplied: ReadonlySet<Value>;

  constructor(tables: PlanTables, graph: Graph) {
    this.#tables = tables;
    this.#graph = graph;
    this.#inPlace = writesInPlace(graph);
    this.#copies = new Copies(tables, this.#steps);
    this.#multiplied = new Set(
      graph.nodes.flatMap((node) =>
        (node.op === "linear" || node.op === "linear_epilogue") && node.attrs.layout === "out_in"
          ? [node.operands.weight]
          : [],
      ),
    );
  }

  build(name: string): PlanPart {
    const { states, inputs: given, parameters, nodes, outputs: results, symbols } = this.#graph;
    const tables = this.#tables;
    const first = tables.buffers.length;
    tables.beginPart();
    for (const state of states) this.#views.set(state.value, tables.state(state));
    const inputs = given.map((input) => this.#addInput(input));
    const read = new Set([...nodes.flatMap(operandValues), ...resultValues(this.#graph)]);
    for (const parameter of parameters) {
      const view = tables.parameter(parameter, read.has(parameter.value));
      if (view !== undefined) this.#views.set(parameter.value, view);
    }
    for (const node of nodes) this.#addNode(node);
    const outputs = results.map((output) => this.#addOutput(output.name, output.value));
    // After the outputs, whose copies may read what a state was.
    const steps = this.#keep(states);
    const slots = assignSlots(tables.buffers, steps, [...this.#inputs], symbols);
    const runBuffers = tables.buffers.flatMap(({ home }, index) =>
      index >= first && (home?.kind === "slot" || home?.kind === "output") ? [index] : [],
    );
    const needs = sizeNeeds(this.#graph);
    return { name, symbols, needs, inputs, outputs, steps, slots, runBuffers };
  }

  #addInput({ name, value, fill }: Input): PlanInput {
    const view = this.#tables.allocate([name], value.type, undefined);
    this.#views.set(value, view);
    this.#inputs.add(view.buffer);
    return { name, type: value.type, fill, buffer: view.buffer };
  }

  #addNode(node: Node): void {
    if (node.op === "constant") this.#addConstant(node, node.attrs.values);
    else if (node.op === "full") this.#addConstant(node, [node.attrs.value]);
    else if (node.op === "concat") this.#addConcat(node);
    else if (node.op === "write") this.#addWrite(node);
    else if (isShapeNode(node)) this.#addView(node, this.#viewOf(node.operands.x));
    else if (node.op === "cast" && isSameWord(node.operands.x.type.dtype, node.attrs.dtype))
      this.#views.set(node.results[0]!, { ...this.#viewOf(node.operands.x), type: node.results[0]!.type });
    else this.#addKernel(node, selectKernel(node));
  }

  /** One element stretched over the shape if all are equal, else all of them. */
  #addConstant(node: Node, values: readonly number[]): void {
    const [result] = node.results as readonly [Value];
    const type: TensorType = node.op === "full" ? { dtype: result.type.dtype, shape: [] } : result.type;
    const [view] = this.#tables.prepared.of(keyOfConstant(type, values), () => [
      this.#tables.allocate(namesOf(node, 0), type, { kind: "constant", values }),
    ]) as readonly [View];
    this.#views.set(result, broadcastView(view, result.type));
  }

  #addView(node: ShapeNode, x: View): void {
    const [result] = node.results as readonly [Value];
    const view = viewOfNode(node, x) ?? viewOfNode(node, this.#copies.dense(x, node.origin));
    invariant(view !== undefined, `a dense tensor has no view as ${node.op}`);
    this.#views.set(result, view);
  }

  /** Each operand is copied to its place in the result. */
  #addConcat(node: NodeOf<"concat">): void {
    const [result] = node.results as readonly [Value];
    const parts = node.operands.values.map((value) => this.#viewOf(value));
    const isPrepared = parts.every((part) => this.#tables.isStatic(part));
    const { axis } = node.attrs;
    const make = (): View[] => {
      const whole = this.#tables.allocate(
        namesOf(node, 0),
        result.type,
        isPrepared ? { kind: "prepared" } : undefined,
      );
      let start = dim(0);
      for (const part of parts) {
        this.#copies.add(part, sliceView(whole, axis, start, part.type), node.origin);
        start = addDims(start, part.type.shape[axis]!);
      }
      if (isPrepared) this.#tables.holds(whole, parts);
      return [whole];
    };
    const [whole] = isPrepared
      ? this.#tables.prepared.of(`concat ${axis} ${parts.map(keyOfView).join("; ")}`, make)
      : make();
    this.#views.set(result, whole!);
  }

  /** Where x lies, if that may be; else into a copy of x. */
  #addWrite(node: NodeOf<"write">): void {
    const { operands, attrs, origin, results } = node;
    const [result] = results as readonly [Value];
    const state = this.#inPlace.get(node);
    const [x, part] = [this.#viewOf(operands.x), this.#viewOf(operands.part)];
    const home = state === undefined ? undefined : ({ kind: "state", state } as const);
    const whole = this.#tables.allocate(namesOf(node, 0), result.type, home);
    this.#views.set(result, whole);
    if (state === undefined) {
      this.#copies.add(x, whole, origin);
      this.#copies.add(part, sliceView(whole, attrs.axis, attrs.start, part.type), origin);
      return;
    }
    const isOwn = isMemoryOf(this.#tables.buffers[part.buffer]!, state);
    const read = isOwn ? this.#copies.putAside(part, state) : part;
    this.#steps.push({
      op: "write",
      operands: { x, part: read },
      attrs,
      results: [whole],
      origin,
      flops: dim(0),
    });
  }

  #addKernel(node: Node, choice: KernelChoice): void {
    const operands: Record<string, View | readonly View[] | undefined> = {};
    const isPrepared = this.#isPrepared(node, choice);
    const read = (name: string, value: Value): View => {
      const view = stretched(choice, name, this.#viewOf(value), node);
      const form = this.#formOf(choice, name, view, value);
      if (typeof form !== "string") return this.#copies.inPanels(view, form, node.origin);
      return hasForm(view, form) ? view : this.#copies.dense(view, node.origin);
    };
    for (const [name, operand] of Object.entries(choice.operands))
      operands[name] = Array.isArray(operand)
        ? (operand as readonly Value[]).map((value) => read(name, value))
        : operand && read(name, operand as Value);
    const { op } = choice;
    const attrs = { ...choice.attrs, ...this.#entriesOf(node, operands["table"] as View | undefined) };
    const make = (): View[] => {
      const results = node.results.map((value, index) =>
        this.#tables.allocate(
          namesOf(node, index),
          value.type,
          isPrepared ? { kind: "prepared" } : undefined,
        ),
      );
      const step = { op, operands, attrs, results, origin: node.origin, flops: nodeFlops(node) };
      (isPrepared ? this.#tables.prepare : this.#steps).push(step as unknown as Step);
      return results;
    };
    const results = isPrepared ? this.#tables.prepared.of(keyOfStep(op, operands, attrs), make) : make();
    node.results.forEach((value, index) => this.#views.set(value, results[index]!));
  }

  /** How an operand is to lie: a table of halves as the target keeps those. */
  #formOf(choice: KernelChoice, name: string, view: View, value: Value): OperandForm {
    const { target } = this.#tables;
    const isHalfTable =
      choice.op === "embedding" && name === "table" && this.#tables.halfOf(view) !== undefined;
    if (!isHalfTable) return formFor(target, choice, name, this.#tables.isStatic(view));
    return this.#multiplied.has(value) ? target.halves!.shared : target.halves!.table;
  }

  /** The rows of an embedding's table, if it lies in panels. */
  #entriesOf(node: Node, table: View | undefined): { readonly entries?: number } {
    if (node.op !== "embedding" || table?.type.shape.length !== 3) return {};
    return { entries: constantDim(node.operands.table.type.shape[0]!)! };
  }

  /** Reads nothing that a run brings, no size either, and its results have a size before the run. */
  #isPrepared(node: Node, choice: KernelChoice): boolean {
    const values = Object.values(choice.operands).flatMap((operand) => operand ?? []);
    return (
      attributeSizes(node).every((size) => symbolsOf(size).size === 0) &&
      values.every((value) => this.#tables.isStatic(this.#viewOf(value))) &&
      node.results.every(({ type }) => symbolsOf(elementsOf(type)).size === 0)
    );
  }

  /** The results of this run become the state of the next: the steps with those that see to it. */
  #keep(states: readonly State[]): readonly Step[] {
    const owned = new Set(states.map(({ value }) => this.#viewOf(value).buffer));
    const kept = states.map(({ name, value, next }) => {
      const now = this.#viewOf(value);
      const view = this.#viewOf(next);
      // What is made of a state by moving its elements, or is another state, is put aside before any state is written.
      const isMoved = owned.has(view.buffer) && !sameView(view, now);
      return { name, now, next: isMoved ? this.#copies.putAside(view, name) : view };
    });
    const copies = new Map<number, Step[]>();
    for (const { name, now, next, after } of keepStates(kept, this.#tables.buffers, this.#steps)) {
      const to = this.#tables.allocate([name], now.type, { kind: "state", state: name });
      copies.set(after, [...(copies.get(after) ?? []), copyStep(next, to, outputOrigin(name))]);
    }
    return [
      ...(copies.get(-1) ?? []),
      ...this.#steps.flatMap((step, index) => [step, ...(copies.get(index) ?? [])]),
    ];
  }

  #addOutput(name: string, value: Value): PlanOutput {
    const view = this.#viewOf(value);
    const buffer = this.#tables.buffers[view.buffer]!;
    const isWhole = isDense(view) && sameDim(buffer.elements, elementsOf(view.type));
    if (isWhole && !this.#inputs.has(view.buffer) && buffer.home === undefined) {
      buffer.home = { kind: "output", output: name };
      return { name, type: value.type, buffer: view.buffer };
    }
    const copy = this.#tables.allocate([name], value.type, { kind: "output", output: name });
    this.#copies.add(view, copy, outputOrigin(name));
    return { name, type: value.type, buffer: copy.buffer };
  }

  #viewOf(value: Value): View {
    const view = this.#views.get(value);
    invariant(view !== undefined, `${value.hint ?? "a value"} is read before it is made`);
    return view;
  }
}
