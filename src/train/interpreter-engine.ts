import { interpretRun } from "../ir/interpret.ts";
import { plural } from "../support/text.ts";
import type { HostTensor } from "../tensor/host.ts";
import type { EngineFactory, TrainingState } from "./engine.ts";
import { scalarsOf } from "./program.ts";

/** Interprets the graphs in float64: slow, and what other engines are compared with. Its state is float64 too. */
export const interpreterEngine: EngineFactory = (program, initial) => {
  const state = new Map(
    Object.entries(initial).map(([name, { shape, data }]): [string, HostTensor] => [
      name,
      { dtype: "f32", shape, data: Float64Array.from(data) },
    ]),
  );
  return Promise.resolve({
    description: `interpreted in float64, ${plural(program.update.graph.nodes.length, "node")}`,
    run: (part, inputs) => {
      const { outputs, states } = interpretRun(program[part]!.graph, {
        inputs,
        parameters: {},
        states: state,
      });
      for (const [name, next] of Object.entries(states)) state.set(name, next);
      return Promise.resolve(scalarsOf(outputs));
    },
    readState: () =>
      Promise.resolve(
        Object.fromEntries(
          [...state].map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data) }]),
        ),
      ),
    writeState: (given: TrainingState) => {
      for (const [name, { shape, data }] of Object.entries(given))
        state.set(name, { dtype: "f32", shape, data: Float64Array.from(data) });
      return Promise.resolve();
    },
    close: () => undefined,
  });
};
