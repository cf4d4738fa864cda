/**
 * lmg beside onnxruntime-web, onnxruntime-node, TensorFlow.js, jax-js and transformers.js on the CPU: whole models and single
 * kernels, interleaved, with parity. How to install the peers is in README.md; what is not there is left out with a word.
 *
 *     npx tsx test/bench/cpu/run.ts [--minilm FOLDER] [--rows PATTERN] [--only PATTERN] [--kernels wasm,ts]
 *       [--node PATH]… [--threads 1,2] [--rounds N] [--ms N] [--sizes] [--json FILE]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { showTable } from "../../../src/cli/table.ts";
import { Bench } from "./bench.ts";
import { enginesOf } from "./engines.ts";
import { kernelJobs } from "./kernels.ts";
import { describeMachine, packages } from "./machine.ts";
import { modelJobs } from "./models.ts";
import { nodeVersion } from "./node.ts";
import { readOptions } from "./options.ts";
import { markdownTable } from "./report.ts";
import { runtimeSizes } from "./sizes.ts";

const options = readOptions(process.argv.slice(2));
const [first, ...others] = enginesOf(options);
const engines = [first!, ...others.filter(({ name }) => name === first!.name || options.only.test(name))];
const folder = mkdtempSync(join(tmpdir(), "lmg-bench-"));
const bench = new Bench(options, engines, folder);
try {
  for (const make of [...modelJobs(options.miniLm), ...kernelJobs]) await bench.measure(make());
} finally {
  rmSync(folder, { recursive: true, force: true });
}

console.log(`\n${describeMachine()}\n${packages()}; ${options.rounds} interleaved rounds`);
for (const node of options.nodes)
  for (const [kind, title] of [
    ["wall", "time"],
    ["cpu", "time on processors, all threads together"],
  ] as const)
    console.log(`\nNode ${nodeVersion(node)}, ${title}\n\n${markdownTable(bench.figures.get(node)!, kind)}`);
const sizes = options.sizes ? [...bench.sizes, ...(await runtimeSizes())] : [];
if (sizes.length > 0) console.log(`\n${showTable(["what a page loads", "bytes", "gzip"], sizes, [1, 2])}`);
if (options.json !== undefined) {
  const nodes = options.nodes.map((node) => ({
    node: nodeVersion(node),
    figures: bench.figures.get(node),
  }));
  writeFileSync(
    options.json,
    JSON.stringify({ machine: describeMachine(), packages: packages(), nodes, sizes }),
  );
}
for (const mistake of bench.mistakes) console.error(`computes something else: ${mistake}`);
process.exitCode = bench.mistakes.length > 0 ? 1 : 0;
