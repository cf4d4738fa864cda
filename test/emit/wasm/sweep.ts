/**
 * The largest error of functions of one number over all 2³² float32, in ulps, on both machines:
 * `npx tsx test/emit/wasm/sweep.ts [FUNCTION…] [--every N]`, each Nth float only.
 */
import { parseArgs } from "node:util";
import { isScalarName, scalarFunctions } from "../../../src/ops/scalar.ts";
import { machines } from "../../../src/emit/wasm/machine.ts";
import { sweeper } from "./ulps.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { every: { type: "string", default: "1" } },
});
const step = Number(values.every);
const names = positionals.length > 0 ? positionals : Object.keys(scalarFunctions);
for (const op of names) {
  if (!isScalarName(op)) throw new Error(`there is no function ${op}`);
  if (scalarFunctions[op].arity !== 1) continue;
  const { inputs, run, worst } = sweeper(op, Object.values(machines));
  const words = new Uint32Array(inputs[0]!.buffer, inputs[0]!.byteOffset, inputs[0]!.length);
  for (let bits = 0; bits < 2 ** 32;) {
    for (let i = 0; i < words.length; i++, bits += step) words[i] = Math.min(bits, 2 ** 32 - 1);
    run();
  }
  Object.keys(machines).forEach((machine, index) => {
    const { ulps, at, got, wanted } = worst[index]!;
    console.log(`${op} ${machine}: ${ulps.toFixed(2)} ulp at ${at.join()} (${got} for ${wanted})`);
  });
}
