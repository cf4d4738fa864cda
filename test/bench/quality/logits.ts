/**
 * lmg's logits of a published GGUF file beside those that transformers computes from the dequantized weights:
 *
 *     python test/bench/quality/reference.py FILE.gguf reference.safetensors
 *     npx tsx test/bench/quality/logits.ts FILE.gguf reference.safetensors [--model MODEL.lmg] [--threads N]
 *
 * With activations in float32 (the whole prompt at once, and token by token) and rounded to 8 bits (token by token), beside
 * transformers in float32 and in float64. Ends with 1 where float32 is more than 1e-4 apart from float64, or where the likeliest tokens
 * with 8 bits are others at more than 3 % of the positions.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { orThrow } from "../../../src/checkpoint/problem.ts";
import { readSafetensors } from "../../../src/checkpoint/safetensors.ts";
import { toFloat32, toHostTensor } from "../../../src/checkpoint/stored.ts";
import { showTable } from "../../../src/cli/table.ts";
import type { Packing } from "../../../src/passes/packing.ts";
import { openDecoder, openPublished, packingFor, type PublishedModel } from "../generate/published.ts";
import { wholeNumber } from "../options.ts";
import { compareLogits, type Apart } from "./apart.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { model: { type: "string" }, threads: { type: "string", default: "2" } },
});
const [path, referencePath] = positionals;
if (path === undefined || referencePath === undefined)
  throw new Error("name the .gguf file and the reference");
const threads = wholeNumber("threads", values);
const reference = orThrow(readSafetensors(readFileSync(referencePath), referencePath)).tensors;
const prompts = [...reference.keys()].filter((name) => name.startsWith("ids/")).length;
const idsOf = (prompt: number): number[] => [
  ...orThrow(toHostTensor(reference.get(`ids/${prompt}`)!, `ids/${prompt}`)).data,
];
const wanted = (bits: 32 | 64, prompt: number): Float32Array =>
  toFloat32(reference.get(`${bits}/${prompt}`)!);

/** The logits of all prompts, read whole or token by token. */
async function logitsOf(model: PublishedModel, packing: Packing, isWhole: boolean): Promise<Float32Array[]> {
  const decoder = await openDecoder(
    model,
    packing,
    threads,
    isWhole ? ["append", "all", "step"] : ["append", "step"],
  );
  const found: Float32Array[] = [];
  for (let prompt = 0; prompt < prompts; prompt++) {
    const session = await decoder.session({ capacity: 256 });
    const ids = idsOf(prompt);
    const given = (some: readonly number[]) => ({
      [model.input]: { data: Int32Array.from(some), shape: [1, some.length] },
    });
    const rows: Float32Array[] = [];
    const keep = (outputs: Awaited<ReturnType<typeof session.append>>): void => {
      rows.push(outputs[model.output]!.data as Float32Array);
    };
    if (isWhole) keep(await session.appendAll(given(ids)));
    else for (const id of ids) keep(await session.append(given([id])));
    found.push(joined(rows));
    session.dispose();
  }
  decoder.close();
  return found;
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
}

const model = openPublished(path, values.model);
const width = reference.get("32/0")!.shape.at(-1)!;
const floats = packingFor(model, { activations: "f32" });
const rounded = packingFor(model, { activations: "int8" });
const [by32, by64] = ([32, 64] as const).map((bits) =>
  Array.from({ length: prompts }, (_, prompt) => wanted(bits, prompt)),
) as [Float32Array[], Float32Array[]];
const found: readonly (readonly [string, readonly Float32Array[]])[] = [
  ["transformers, float32", by32],
  ["lmg, activations f32, whole", await logitsOf(model, floats, true)],
  ["lmg, activations f32, by token", await logitsOf(model, floats, false)],
  ["lmg, activations int8, whole", await logitsOf(model, rounded, true)],
  ["lmg, activations int8, by token", await logitsOf(model, rounded, false)],
];
const rows = found.map(
  ([name, logits]): { readonly name: string; readonly apart: Apart; readonly from32: Apart } => ({
    name,
    apart: compareLogits(by64, logits, width),
    from32: compareLogits(by32, logits, width),
  }),
);
const heads = [
  "of ten prompts",
  "positions",
  "from float64",
  "from float32",
  "same likeliest",
  "KL divergence",
];
const table = rows.map(({ name, apart: { positions, largest, agree, divergence }, from32 }) => [
  name,
  String(positions),
  largest.toExponential(2),
  from32.largest.toExponential(2),
  `${(100 * agree).toFixed(1)} %`,
  divergence.toPrecision(3),
]);
console.log(showTable(heads, table, [1, 2, 3, 4, 5]));
const isExact = rows.slice(1, 3).every(({ apart }) => apart.largest <= 1e-4);
const isAlike = rows.slice(3).every(({ apart }) => apart.agree >= 0.97);
process.exitCode = isExact && isAlike ? 0 : 1;
