import { Problem } from "../checkpoint/problem.ts";
import type { HostTensor } from "../tensor/host.ts";

/** Something that runs what was compiled. */
export interface Runner<Given extends readonly unknown[], Found> {
  /** What the user is told of it: `plan of 212 steps`. */
  readonly description: string;
  readonly run: (...given: Given) => Promise<Found>;
  /** Gives back what it holds beside memory; it does not run after that. */
  readonly close: () => void;
}

/** Inputs or outputs by name. */
export type Tensors = ReadonlyMap<string, HostTensor>;

/** Runs a model on inputs by name and gives its outputs by name; what does not fit is a problem. */
export type Engine = Runner<readonly [inputs: Tensors], Tensors | Problem>;

/** An engine that is opened when something is run first, and takes no memory before. */
export function laterEngine(describe: () => string, open: () => Promise<Engine | Problem>): Engine {
  let opened: Promise<Engine | Problem> | undefined;
  let isClosed = false;
  return {
    get description() {
      return describe();
    },
    run: async (inputs) => {
      const engine = await (opened ??= open());
      return engine instanceof Problem ? engine : engine.run(inputs);
    },
    close: () => {
      if (isClosed) return;
      isClosed = true;
      void opened?.then((engine) => engine instanceof Problem || engine.close());
    },
  };
}
