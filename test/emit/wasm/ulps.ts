import { scalarFunctions, type ScalarFunction, type ScalarName } from "../../../src/ops/scalar.ts";
import { applyFunction } from "../../../src/emit/wasm/functions/apply.ts";
import { asFloats, floats } from "../../../src/emit/wasm/functions/lanes.ts";
import type { Machine } from "../../../src/emit/wasm/machine.ts";
import { overLanes } from "./lanes.ts";

/** The largest error of a function, in units of the last place of the float32 that is nearest. */
export interface Worst {
  readonly ulps: number;
  readonly at: readonly number[];
  readonly got: number;
  readonly wanted: number;
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** What the next float32 is away; below 2^-126 all are as far from each other. */
function ulpAt(value: number): number {
  float[0] = value;
  const exponent = (word[0]! >>> 23) & 255;
  return exponent === 0 ? 2 ** -149 : 2 ** (Math.min(exponent, 254) - 150);
}

/** ∞ counts as what comes after the largest number. */
const finite = (value: number): number => Math.max(-(2 ** 128), Math.min(2 ** 128, value));

/** Infinite where a NaN or the sign of a 0 is wrong. */
export function ulpsBetween(got: number, wanted: number): number {
  if (Number.isNaN(got) || Number.isNaN(wanted))
    return Number.isNaN(got) === Number.isNaN(wanted) ? 0 : Infinity;
  if (got === 0 && wanted === 0) return Object.is(got, wanted) ? 0 : Infinity;
  return Math.abs(finite(got) - finite(wanted)) / ulpAt(wanted);
}

const OPERANDS = 4096;

/** Evaluates a function by its code, over and over, and finds where it is worst against its record. */
export function sweeper(
  op: ScalarName,
  machines: readonly Machine[],
): {
  readonly inputs: readonly Float32Array[];
  /** Of what the inputs hold now. */
  readonly run: () => void;
  /** Of all runs, of each machine. */
  readonly worst: readonly Worst[];
} {
  const { arity, evaluate }: ScalarFunction = scalarFunctions[op];
  const runners = machines.map((machine) =>
    overLanes(machine, arity, 1, (inputs, body) => [
      asFloats(applyFunction(op, inputs.map(floats), body), body),
    ])(OPERANDS),
  );
  const inputs = runners[0]!.inputs;
  const worst: Worst[] = machines.map(() => ({ ulps: -1, at: [], got: 0, wanted: 0 }));
  const args = new Array<number>(arity).fill(0);
  return {
    inputs,
    worst,
    run: () => {
      runners.forEach((runner) => {
        runner.inputs.forEach((array, index) => array !== inputs[index] && array.set(inputs[index]!));
        runner.run();
      });
      for (let i = 0; i < OPERANDS; i++) {
        for (let k = 0; k < arity; k++) args[k] = inputs[k]![i]!;
        const wanted = evaluate(...args);
        for (let m = 0; m < runners.length; m++) {
          const got = runners[m]!.outputs[0]![i]!;
          if (got === wanted && got !== 0) continue;
          const ulps = ulpsBetween(got, wanted);
          if (ulps > worst[m]!.ulps) worst[m] = { ulps, at: [...args], got, wanted };
        }
      }
    },
  };
}
