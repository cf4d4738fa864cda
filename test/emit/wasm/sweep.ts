/**
 * The largest error of functions of one number over all 2³² float32, in ulps, on both machines:
 *
 *     npx tsx test/emit/wasm/sweep.ts [FUNCTION…] [--every N] [--sizes LOW,HIGH]
 *
 * of each Nth float only; of floats whose size lies between two numbers.
 */
import { parseArgs } from "node:util";
import { isScalarName, scalarFunctions } from "../../../src/ops/scalar.ts";
import { wordOf } from "../../../src/emit/wasm/functions/lanes.ts";
import { machines } from "../../../src/emit/wasm/machine.ts";
import { sweeper } from "./ulps.ts";

const SIGN = 2 ** 31;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { every: { type: "string", default: "1" }, sizes: { type: "string" } },
});
const step = Number(values.every);
const [low, high] = values.sizes?.split(",").map((size) => wordOf(Number(size))) ?? [0, SIGN - 1];
const names = positionals.length > 0 ? positionals : Object.keys(scalarFunctions);
for (const op of names) {
  if (!isScalarName(op)) throw new Error(`there is no function ${op}`);
  if (scalarFunctions[op].arity !== 1) continue;
  const { inputs, run, worst } = sweeper(op, Object.values(machines));
  const words = new Uint32Array(inputs[0]!.buffer, inputs[0]!.byteOffset, inputs[0]!.length);
  for (const sign of [0, SIGN])
    for (let bits = low!; bits <= high!;) {
      for (let i = 0; i < words.length; i++, bits += step) words[i] = sign + Math.min(bits, high!);
      run();
    }
  Object.keys(machines).forEach((machine, index) => {
    const { ulps, at, got, wanted } = worst[index]!;
    console.log(`${op} ${machine}: ${ulps.toFixed(2)} ulp at ${at.join()} (${got} for ${wanted})`);
  });
}
