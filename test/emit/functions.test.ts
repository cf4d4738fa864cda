import { expect, test } from "vitest";
import { readGraph } from "../../src/ir/read.ts";
import { scalarFunctions } from "../../src/ops/scalar.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { cpuTargets, runOnCpu, runOnEachCpu } from "./cpu.ts";

/**
 * Half a unit of float32, 6e-8, for storing the result; besides, the fit of erfc is right to 1.2e-7, and where the normal
 * distribution's tail is e^-50 a float64 argument of e^x costs 50 · 1e-16, which is nothing.
 */
const TOLERANCE: Readonly<Record<string, number>> = { erf: 2e-7, gelu: 2e-7, exp: 7e-8 };

/** WebAssembly computes in float32, right to 4 units in the last place; `wasm/functions.test.ts` holds each to its own. */
const IN_FLOAT32 = 4 * 2 ** -23;

/** From the smallest to the largest magnitudes that a float32 result can have, both signs. */
const inputs = Float32Array.from({ length: 4001 }, (_, i) => ((i - 2000) / 2000) ** 3 * 88.5);

const functions = ["exp", "sigmoid", "silu", "softplus", "erf", "gelu", "gelu_tanh"] as const;

test.each(cpuTargets.flatMap((cpu) => functions.map((op) => ({ ...cpu, op, cpu }))))(
  "in $name $op is as right as float32 tells, however small its result",
  async ({ cpu, op }) => {
    const tolerance = cpu.name === "WebAssembly" ? IN_FLOAT32 : (TOLERANCE[op] ?? 1e-7);
    const { graph } = readGraph({
      name: "function.ir",
      text: `graph function {
        dim N
        input %x: f32[N]
        %y: f32[N] = ${op}(%x)
        output y = %y
      }`,
    });
    const x = hostTensor("f32", [inputs.length], Float64Array.from(inputs));
    const { data } = (await runOnCpu(cpu, graph!, { inputs: { x }, parameters: {} }))["y"]!;
    inputs.forEach((input, i) => {
      const wanted = scalarFunctions[op].evaluate(input);
      // Below 1.2e-38 float32 has fewer bits.
      if (Math.abs(wanted) < 1.2e-38) return;
      expect(Math.abs(data[i]! / wanted - 1), `${op}(${input})`).toBeLessThan(tolerance);
    });
  },
);

test("e^x of what no number is, of both infinities and of 0 is exact", async () => {
  const { graph } = readGraph({
    name: "function.ir",
    text: "graph function {\n  input %x: f32[6]\n  %y: f32[6] = exp(%x)\n  output y = %y\n}",
  });
  const x = hostTensor("f32", [6], Float64Array.of(NaN, Infinity, -Infinity, 0, 200, -200));
  for (const { y } of await runOnEachCpu(graph!, { inputs: { x }, parameters: {} }))
    expect([...(y!.data as Float32Array)]).toEqual([NaN, Infinity, 0, 1, Infinity, 0]);
});
