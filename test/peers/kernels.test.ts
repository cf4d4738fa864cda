import { expect, test } from "vitest";
import { chainOf, kernels } from "../bench/cpu/kernels.ts";
import { planFor } from "../bench/cpu/prepare.ts";

/** What a call of each is a step of. */
const steps: Readonly<Record<string, string>> = {
  GEMM: "linear_epilogue",
  GEMV: "linear_epilogue",
  LayerNorm: "layer_norm",
  add: "add_norm",
  softmax: "softmax",
  attention: "attend",
};

test.each(kernels.map((kernel) => [kernel.name, kernel] as const))(
  "of %s a longer chain takes one step a call more, of its op, and hardly any other",
  (name, kernel) => {
    const op = steps[name.split(" ")[0]!]!;
    const [short, long] = kernel.chains.map((calls) =>
      planFor({ graph: chainOf(kernel, calls) }, "wasm").steps.map((step) => step.op),
    );
    const count = (ops: readonly string[] | undefined): number => ops!.filter((each) => each === op).length;
    expect([count(short), count(long)]).toEqual(kernel.chains);
    const others = long!.length - short!.length - (kernel.chains[1] - kernel.chains[0]);
    // One row of each norm is added up: several such adds are a step, of a thousandth of the elements.
    expect(others).toBeLessThanOrEqual(op === "add_norm" ? 5 : 0);
  },
);
