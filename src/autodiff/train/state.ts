import type { Graph, Initializer, Input, Output, Parameter, Value } from "../../ir/graph.ts";
import { makeValue } from "../../ir/node.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { TensorType } from "../../tensor/type.ts";

/**
 * What a tensor of the state is. Sums of gradients over micro-steps, and the scalars beside them, are zero between two
 * updates.
 */
export type StateKind = "parameter" | "statistic" | "optimizer" | "accumulated" | "total";

/** Whether a tensor is zero between two updates, so that no checkpoint has it. */
export const isPassing = ({ kind }: Pick<StateTensor, "kind">): boolean =>
  kind === "accumulated" || kind === "total";

/**
 * A tensor that passes from step to step: an input of the graph and, as it is next, an output. A plan may keep both in
 * one place.
 */
export interface StateTensor {
  /** Of the input; for parameters and running statistics the name that checkpoints have. */
  readonly name: string;
  /** Of the output. */
  readonly next: string;
  readonly kind: StateKind;
  readonly type: TensorType;
  readonly init: Initializer;
}

/** Gathers the state of a step as its nodes are made. */
export class StateBuilder {
  readonly tensors: StateTensor[] = [];
  readonly inputs: Input[] = [];
  readonly outputs: Output[] = [];

  /** A tensor of the model: its value becomes an input. */
  addParameter({ name, value, init, span }: Parameter, kind: "parameter" | "statistic", next: Value): void {
    this.inputs.push({ name, value, fill: undefined, span });
    this.#add({ name, kind, type: value.type, init }, next);
  }

  /** State beside a parameter, zero at first: its value now. */
  open(name: string, type: TensorType): Value {
    const value = makeValue(type, name);
    this.inputs.push({ name, value, fill: undefined, span: undefined });
    return value;
  }

  /** What `open` gave is this in the next step. */
  close(name: string, kind: Exclude<StateKind, "parameter" | "statistic">, next: Value): void {
    this.#add({ name, kind, type: next.type, init: { kind: "constant", value: 0 } }, next);
  }

  #add(tensor: Omit<StateTensor, "next">, next: Value): void {
    const name = `next.${tensor.name}`;
    this.tensors.push({ ...tensor, next: name });
    this.outputs.push({ name, value: next, span: undefined });
  }
}

/**
 * A parameter that has the name of another input of the step: of one that the model has, or of one that the step has for
 * itself.
 */
export const nameClashes = (source: Graph, step: Graph): Diagnostic[] => {
  const parameters = new Set(source.parameters.map(({ value }) => value));
  const others = step.inputs.filter(({ value }) => !parameters.has(value));
  const inputs = new Map(others.map((input) => [input.name, input]));
  return source.parameters.flatMap(({ name, span }) => {
    const input = inputs.get(name);
    if (input === undefined || span === undefined) return [];
    const isOwn = !source.inputs.includes(input);
    const what = isOwn ? "something that a training step has for itself" : "an input";
    const more = input.span === undefined ? [] : [{ span: input.span, text: "the input" }];
    return [
      errorAt("E581", span, `a parameter and ${what} are both called \`${name}\``, {
        label: "the parameter",
        help: "give the layer another label: a training step has both as inputs",
        more,
      }),
    ];
  });
};
