// The rate of decoding by the form in which a model keeps its weights, beside the speed of memory:
// `npx tsx test/bench/quantized.ts [rounds] [threads] [form…]`, none (floats) always among them. A llama of 110 million parameters with drawn weights; a round is some
// steps of each form and one measure of memory, so that what else the machine does meets all of them.
import { compile } from "../../src/compile.ts";
import { readFileSync } from "node:fs";
import { wasmTarget } from "../../src/emit/wasm/target.ts";
import { decodingProgram } from "../../src/incremental/program.ts";
import { Refusal } from "../../src/incremental/refusal.ts";
import { Problem } from "../../src/checkpoint/problem.ts";
import { packingOf, type Scheme } from "../../src/quantize/packing.ts";
import { openCeilings } from "../../src/run/bench/ceilings.ts";
import { packedWeights } from "../../src/run/packed-weights.ts";
import { openSessions } from "../../src/run/sessions.ts";
import { emittedWeights } from "../../src/run/tensors.ts";
import type { Weights } from "../../src/run/weights.ts";
import { constantDim } from "../../src/tensor/dim.ts";
import { sizeOf } from "../../src/tensor/host.ts";

const [rounds, threads] = [Number(process.argv[2] ?? 7), Number(process.argv[3] ?? 1)];
const STEPS = 4;

const text = readFileSync(new URL("../../examples/llama.lmg", import.meta.url), "utf8");
const sizes = { vocab: 32768, dim: 768, hidden: 2048, depth: 12, heads: 12, tied: true };
const { model } = compile({ name: "llama.lmg", text }, { settings: sizes });
if (model === undefined) throw new Error("the model has mistakes");
const { graph } = model;

/** Weights that look like those of a model and take no time to draw. */
function drawn(): Weights {
  let seed = 1;
  const tensors = graph.parameters.map(({ name, value: { type } }) => {
    const shape = type.shape.map((size) => constantDim(size)!);
    const read = () => {
      const data = Float32Array.from({ length: sizeOf(shape) }, () => {
        seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
        return seed / 2 ** 36;
      });
      return { dtype: "f32" as const, shape, bytes: new Uint8Array(data.buffer) };
    };
    return [name, { dtype: "f32" as const, shape, read }] as const;
  });
  return { tensors: new Map(tensors), from: "drawn", close: () => undefined };
}

async function opened(scheme: Scheme) {
  const { packing } = packingOf(graph, { scheme });
  const decoding = decodingProgram(graph, { packing, target: wasmTarget, parts: ["append", "step"] });
  if (decoding instanceof Refusal) throw decoding;
  const weights = emittedWeights(packedWeights(drawn(), packing));
  const bytes = Object.entries(weights).reduce(
    (sum, [name, { data }]) => sum + (packing.halves.has(name) ? 2 : 4) * data.length,
    0,
  );
  const made = await openSessions(decoding, weights, { target: "wasm", threads });
  const session = await made.session({ capacity: 1024 });
  await session.append({ tokens: { data: Int32Array.of(1, 2, 3, 4), shape: [1, 4] } });
  return { scheme, bytes, close: made.close, session, times: [] as number[] };
}

const forms: Awaited<ReturnType<typeof opened>>[] = [];
const wanted = process.argv.slice(4);
for (const scheme of ["none", "bf16", "f16", "int8", "int4"] as const)
  if (scheme === "none" || wanted.length === 0 || wanted.includes(scheme)) forms.push(await opened(scheme));
const ceilings = await openCeilings(threads);
if (ceilings instanceof Problem) throw new Error(ceilings.message);
for (let round = 0; round < rounds; round++) {
  await ceilings.round();
  for (const { session, times } of forms) {
    const start = performance.now();
    for (let step = 0; step < STEPS; step++)
      await session.append({ tokens: { data: Int32Array.of(7), shape: [1, 1] } });
    times.push((performance.now() - start) / STEPS);
  }
}
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const read = ceilings.best().speeds.at(-1)!.read;
console.log(`${threads} threads; memory is read at ${(read / 1e9).toFixed(1)} GB/s at best`);
for (const { scheme, bytes, times } of forms) {
  const ratios = times.map((time, round) => forms[0]!.times[round]! / time);
  const [time, best] = [median(times), Math.min(...times)];
  console.log(
    `${scheme.padEnd(5)} ${(bytes / 1e6).toFixed(0).padStart(4)} MB  ${(1000 / time).toFixed(1).padStart(6)} tokens/s  ` +
      `${median(ratios).toFixed(2)} × floats  ${((100 * bytes) / best / 1e-3 / read).toFixed(0)} % of memory's speed at best`,
  );
}
ceilings.close();
for (const { close } of forms) close();
