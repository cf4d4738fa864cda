import { initialParameters } from "../../ir/initialize.ts";
import { makeValue } from "../../ir/node.ts";
import type { HostTensor } from "../../tensor/host.ts";
import type { StateTensor } from "./state.ts";

/** The state that a training begins with: parameters by their initializers and the seed, moments at zero. */
export const initialState = (state: readonly StateTensor[], seed: number): Record<string, HostTensor> =>
  initialParameters(
    {
      name: "state",
      symbols: [],
      inputs: [],
      parameters: state.map(({ name, type, init }) => ({
        name,
        value: makeValue(type, name),
        init,
        trainable: false,
        span: undefined,
      })),
      nodes: [],
      outputs: [],
      edges: [],
    },
    seed,
  );
