import type { Graph, Parameter, State, StateKind, Value } from "../../ir/graph.ts";
import { makeValue } from "../../ir/node.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { TensorType } from "../../tensor/type.ts";

/** Whether a state is zero between two updates, so that no checkpoint has it. */
export const isPassing = ({ kind }: Pick<State, "kind">): boolean =>
  kind === "accumulated" || kind === "total";

/** Gathers the states of a step as its nodes are made. */
export class StateBuilder {
  readonly states: State[] = [];
  readonly #open = new Map<string, Value>();

  /** A tensor of the model: its value is what the state is now. */
  addParameter({ name, value, init, span }: Parameter, kind: "parameter" | "statistic", next: Value): void {
    this.states.push({ name, value, next, kind, init, span });
  }

  /** State beside a parameter, zero at first: its value now. */
  open(name: string, type: TensorType): Value {
    const value = makeValue(type, name);
    this.#open.set(name, value);
    return value;
  }

  /** What `open` gave is this in the next step. */
  close(name: string, kind: Exclude<StateKind, "kept" | "parameter" | "statistic">, next: Value): void {
    const value = this.#open.get(name)!;
    this.states.push({ name, value, next, kind, init: { kind: "constant", value: 0 }, span: undefined });
  }
}

/** Parameters that have the name of a state that the step has for itself. */
export const nameClashes = (source: Graph, step: Graph): Diagnostic[] => {
  const own = new Set(
    step.states.flatMap(({ kind, name }) => (kind === "parameter" || kind === "statistic" ? [] : [name])),
  );
  return source.parameters.flatMap(({ name, span }) =>
    own.has(name) && span !== undefined
      ? [
          errorAt("E581", span, `a parameter and a state of the training step are both called \`${name}\``, {
            label: "the parameter",
            help: "give the layer another label: a training keeps both",
          }),
        ]
      : [],
  );
};
