/*
 * npx tsx test/bench/opening.ts [FAMILY…]: what it takes to open a published model at the size that its file has by default: processor
 * time of parsing, lowering, passes and plan, nodes of the graph, and tensors of its checkpoint. With --checkpoint also that of
 * finding them in a safetensors file of that many tensors, all of it holes, and the most memory that the process had.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { compile } from "../../src/compile.ts";
import { familySources } from "../../src/families/sources.generated.ts";
import { isStack, publishedNames } from "../../src/ir/stacks.ts";
import { matchWeights } from "../../src/run/weights.ts";
import { constantDim } from "../../src/tensor/dim.ts";
import { clock } from "./clocks.ts";

type Tensors = readonly { readonly name: string; readonly shape: readonly number[] }[];

/** A safetensors file of bfloat16 with these tensors, whose elements are holes. */
function writeHoles(path: string, tensors: Tensors): void {
  let end = 0;
  const entries = tensors.map(({ name, shape }) => {
    const start = end;
    end += 2 * shape.reduce((size, length) => size * length, 1);
    return [name, { dtype: "BF16", shape, data_offsets: [start, end] }];
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = new BigUint64Array([BigInt(header.length)]);
  const file = openSync(path, "w");
  writeSync(file, new Uint8Array(length.buffer));
  writeSync(file, header);
  ftruncateSync(file, 8 + header.length + end);
  closeSync(file);
}

const named = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const isFound = process.argv.includes("--checkpoint");
const folder = mkdtempSync(join(tmpdir(), "lmg-opening-"));
console.log(`${"family".padEnd(18)} compile  nodes  tensors${isFound ? "  found in" : ""}`);
for (const source of familySources) {
  const family = source.name.replace(/^.*\/|\.lmg$/g, "");
  if (named.length > 0 && !named.includes(family)) continue;
  const start = clock();
  const { model } = compile(source, {});
  const time = clock() - start;
  const { graph, notNeeded } = model!;
  const tensors = graph.parameters.flatMap((parameter) => {
    const shape = parameter.value.type.shape.map((size) => constantDim(size)!);
    if (!isStack(parameter.name)) return [{ name: parameter.name, shape }];
    // Experts are published one by one.
    return publishedNames(parameter)
      .slice(1)
      .map((name) => ({ name, shape: shape.slice(1) }));
  });
  const row = `${family.padEnd(18)} ${`${time.toFixed(0)} ms`.padStart(7)} ${String(graph.nodes.length).padStart(6)} ${String(tensors.length).padStart(8)}`;
  if (!isFound) {
    console.log(row);
    continue;
  }
  const path = join(folder, `${family}.safetensors`);
  writeHoles(path, tensors);
  const opening = clock();
  const checkpoint = orThrow(openCheckpoint(path));
  orThrow(matchWeights(graph, checkpoint, { notNeeded }));
  const found = clock() - opening;
  checkpoint.close();
  rmSync(path);
  console.log(`${row} ${`${found.toFixed(0)} ms`.padStart(9)}`);
}
rmSync(folder, { recursive: true });
console.log(`the most memory: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`);
