import type { Graph, Node, NodeOf, Origin, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { nodeFlops } from "../ir/stats.ts";
import { invariant } from "../support/invariant.ts";
import { addDims, constantDim, dim, sameDim, symbolsOf, type Dim } from "../tensor/dim.ts";
import { elementsOf, type TensorType } from "../tensor/type.ts";
import { contracts } from "../kernels/contracts.ts";
import { assignSlots, type DraftBuffer } from "./memory.ts";
import { namesOf, outputOrigin } from "./names.ts";
import type { Plan, PlanOutput, PlanParameter, Step } from "./plan.ts";
import { selectKernel, type KernelChoice } from "./select.ts";
import { isSameWord, isShapeNode, stretched, viewOfNode, type ShapeNode } from "./shape-views.ts";
import { keepStates, type StatePair } from "./state.ts";
import {
  broadcastView,
  denseView,
  hasForm,
  isDense,
  sameView,
  sliceView,
  type Form,
  type View,
} from "../kernels/view.ts";

export interface PlanOptions {
  /** Inputs that the model keeps from run to run, as the outputs leave them: no inputs or outputs of the plan. */
  readonly state?: readonly StatePair[];
  /** Parameters that the graph lost with outputs that were not asked for. */
  readonly notNeeded?: readonly string[];
}

/**
 * The plan of a graph that has no residual edges left: nodes in their order, each a kernel step, a view or a copy.
 * Linear in the graph, but for slots, which are few.
 */
export function planGraph(graph: Graph, { state = [], notNeeded = [] }: PlanOptions = {}): Plan {
  const builder = new PlanBuilder();
  const nextOf = new Map(state.map(({ input, output }) => [input, output]));
  const kept = graph.inputs.filter(({ name }) => nextOf.has(name));
  const stateParameters = kept.map(({ name, value }): PlanParameter => {
    const view = builder.allocate([name], value.type, { kind: "state", state: name });
    builder.views.set(value, view);
    const shape = value.type.shape.map(sizeOfParameter);
    return { name, dtype: value.type.dtype, shape, buffer: view.buffer };
  });
  const inputs = graph.inputs.flatMap(({ name, value, fill }) => {
    if (nextOf.has(name)) return [];
    const view = builder.allocate([name], value.type, undefined);
    builder.views.set(value, view);
    return [{ name, type: value.type, fill, buffer: view.buffer }];
  });
  const read = new Set([...graph.nodes.flatMap(operandValues), ...graph.outputs.map(({ value }) => value)]);
  const parameters = graph.parameters.map(({ name, value }) => {
    const shape = value.type.shape.map(sizeOfParameter);
    if (!read.has(value)) return { name, dtype: value.type.dtype, shape, buffer: undefined };
    const view = builder.allocate([name], value.type, { kind: "parameter", parameter: name });
    builder.views.set(value, view);
    return { name, dtype: value.type.dtype, shape, buffer: view.buffer };
  });
  for (const node of graph.nodes) builder.addNode(node);
  const nexts = new Set(nextOf.values());
  const outputs = graph.outputs
    .filter(({ name }) => !nexts.has(name))
    .map(({ name, value }) => builder.addOutput(name, value, graph));
  // After the outputs, whose copies may read what a state was.
  const nextValues = new Map(graph.outputs.map(({ name, value }) => [name, value]));
  builder.keep(kept.map(({ name, value }) => ({ name, value, next: nextValues.get(nextOf.get(name)!)! })));
  const { buffers, slots } = assignSlots(
    builder.buffers,
    builder.steps,
    inputs.map(({ buffer }) => buffer),
    graph.symbols,
  );
  const { prepare, steps } = builder;
  return {
    name: graph.name,
    symbols: graph.symbols,
    inputs,
    parameters: [...parameters, ...stateParameters],
    notNeeded,
    state: kept.map(({ name, value }) => ({ name, type: value.type })),
    outputs,
    buffers,
    prepare,
    steps,
    slots,
  };
}

function sizeOfParameter(size: Dim): number {
  const constant = constantDim(size);
  invariant(constant !== undefined, `a parameter has the run-time size ${size.key}`);
  return constant;
}

class PlanBuilder {
  readonly buffers: DraftBuffer[] = [];
  readonly prepare: Step[] = [];
  readonly steps: Step[] = [];
  readonly views = new Map<Value, View>();
  /** Dense copies that were made already, by the view that was copied. */
  readonly #copies = new Map<View, View>();
  readonly #names = new Map<string, number>();

  /** A new buffer for a whole tensor, called by the first name that is free; without a home it will be in the arena. */
  allocate(names: readonly string[], type: TensorType, home: DraftBuffer["home"]): View {
    const last = names.at(-1)!;
    let name = names.find((wish) => !this.#names.has(wish)) ?? last;
    for (let count = this.#names.get(last) ?? 1; this.#names.has(name); count++) {
      name = `${last}_${count}`;
      this.#names.set(last, count + 1);
    }
    this.#names.set(name, 1);
    this.buffers.push({ name, dtype: type.dtype, elements: elementsOf(type), home });
    return denseView(this.buffers.length - 1, type);
  }

  addNode(node: Node): void {
    if (node.op === "constant") this.#addConstant(node, node.attrs.values);
    else if (node.op === "full") this.#addConstant(node, [node.attrs.value]);
    else if (node.op === "concat") this.#addConcat(node);
    else if (isShapeNode(node)) this.#addView(node, this.#viewOf(node.operands.x));
    else if (node.op === "cast" && isSameWord(node.operands.x.type.dtype, node.attrs.dtype))
      this.views.set(node.results[0]!, { ...this.#viewOf(node.operands.x), type: node.results[0]!.type });
    else this.#addKernel(node, selectKernel(node));
  }

  /** One element stretched over the shape if all are equal, else all of them. */
  #addConstant(node: Node, values: readonly number[]): void {
    const [result] = node.results as readonly [Value];
    const type: TensorType = node.op === "full" ? { dtype: result.type.dtype, shape: [] } : result.type;
    const view = this.allocate(namesOf(node, 0), type, { kind: "constant", values });
    this.views.set(result, broadcastView(view, result.type));
  }

  #addView(node: ShapeNode, x: View): void {
    const [result] = node.results as readonly [Value];
    const view = viewOfNode(node, x) ?? viewOfNode(node, this.#dense(x, node.origin));
    invariant(view !== undefined, `a dense tensor has no view as ${node.op}`);
    this.views.set(result, view);
  }

  /** Each operand is copied to its place in the result. */
  #addConcat(node: NodeOf<"concat">): void {
    const [result] = node.results as readonly [Value];
    const parts = node.operands.values.map((value) => this.#viewOf(value));
    const isPrepared = parts.every((part) => this.#isStatic(part));
    const whole = this.allocate(namesOf(node, 0), result.type, isPrepared ? { kind: "prepared" } : undefined);
    let start = dim(0);
    for (const part of parts) {
      const place = sliceView(whole, node.attrs.axis, start, part.type);
      this.#addCopy(part, place, node.origin);
      start = addDims(start, part.type.shape[node.attrs.axis]!);
    }
    this.views.set(result, whole);
  }

  #addKernel(node: Node, choice: KernelChoice): void {
    const forms = contracts[choice.op].forms as Readonly<Record<string, Form>>;
    const operands: Record<string, View | readonly View[] | undefined> = {};
    const isPrepared = this.#isPrepared(node, choice);
    const read = (name: string, value: Value): View => {
      const view = stretched(choice, name, this.#viewOf(value), node);
      return hasForm(view, forms[name]!) ? view : this.#dense(view, node.origin);
    };
    for (const [name, operand] of Object.entries(choice.operands))
      operands[name] = Array.isArray(operand)
        ? (operand as readonly Value[]).map((value) => read(name, value))
        : operand && read(name, operand as Value);
    const results = node.results.map((value, index) => {
      const view = this.allocate(
        namesOf(node, index),
        value.type,
        isPrepared ? { kind: "prepared" } : undefined,
      );
      this.views.set(value, view);
      return view;
    });
    const { op, attrs } = choice;
    const step = { op, operands, attrs, results, origin: node.origin, flops: nodeFlops(node) };
    (isPrepared ? this.prepare : this.steps).push(step as unknown as Step);
  }

  /** Reads nothing that a run brings, and its results have a size before the run. */
  #isPrepared(node: Node, choice: KernelChoice): boolean {
    const values = Object.values(choice.operands).flatMap((operand) => operand ?? []);
    if (node.op === "extent" && symbolsOf(node.attrs.size).size > 0) return false;
    return (
      values.every((value) => this.#isStatic(this.#viewOf(value))) &&
      node.results.every(({ type }) => symbolsOf(elementsOf(type)).size === 0)
    );
  }

  /** The results of this run become the state of the next. */
  keep(states: readonly { readonly name: string; readonly value: Value; readonly next: Value }[]): void {
    const owned = new Set(states.map(({ value }) => this.#viewOf(value).buffer));
    const kept = states.map(({ name, value, next }) => {
      const now = this.#viewOf(value);
      const view = this.#viewOf(next);
      // What is made of a state by moving its elements, or is another state, is put aside before any state is written.
      const isMoved = owned.has(view.buffer) && !sameView(view, now);
      return { name, now, next: isMoved ? this.#putAside(view, name) : view };
    });
    for (const { name, now, next } of keepStates(kept, this.buffers, this.steps))
      this.#addCopy(next, now, outputOrigin(name));
  }

  addOutput(name: string, value: Value, graph: Graph): PlanOutput {
    const view = this.#viewOf(value);
    const buffer = this.buffers[view.buffer]!;
    const isInput = graph.inputs.some((input) => this.views.get(input.value)?.buffer === view.buffer);
    const isWhole = isDense(view) && sameDim(buffer.elements, elementsOf(view.type));
    if (isWhole && !isInput && buffer.home === undefined) {
      buffer.home = { kind: "output", output: name };
      return { name, type: value.type, buffer: view.buffer };
    }
    const copy = this.allocate([name], value.type, { kind: "output", output: name });
    this.#addCopy(view, copy, outputOrigin(name));
    return { name, type: value.type, buffer: copy.buffer };
  }

  #viewOf(value: Value): View {
    const view = this.views.get(value);
    invariant(view !== undefined, `${value.hint ?? "a value"} is read before it is made`);
    return view;
  }

  /** Known before a run, and so is where and how far the view reaches. */
  #isStatic({ buffer, offset, strides, type }: View): boolean {
    const home = this.buffers[buffer]!.home?.kind;
    return (
      (home === "parameter" || home === "constant" || home === "prepared") &&
      [offset, ...strides, ...type.shape].every((size) => constantDim(size) !== undefined)
    );
  }

  /** The view's elements in a buffer of their own, copied once however many steps ask. */
  #dense(view: View, origin: Origin): View {
    const made = this.#copies.get(view);
    if (made !== undefined) return made;
    const isPrepared = this.#isStatic(view);
    const name = `${this.buffers[view.buffer]!.name}.copy`;
    const copy = this.allocate([name], view.type, isPrepared ? { kind: "prepared" } : undefined);
    this.#addCopy(view, copy, origin);
    this.#copies.set(view, copy);
    return copy;
  }

  /** A copy of its own, made where the steps end so far. */
  #putAside(view: View, name: string): View {
    const copy = this.allocate([`${name}.next`], view.type, undefined);
    this.#addCopy(view, copy, outputOrigin(name));
    return copy;
  }

  #addCopy(from: View, to: View, origin: Origin): void {
    const step: Step = { op: "copy", operands: { x: from }, attrs: {}, results: [to], origin, flops: dim(0) };
    (this.buffers[to.buffer]!.home?.kind === "prepared" ? this.prepare : this.steps).push(step);
  }
}
