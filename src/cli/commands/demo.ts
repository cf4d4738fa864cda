import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { targets } from "../../emit/targets.ts";
import { explainEdges } from "../../passes/explain.ts";
import { activationBytes } from "../../plan/stats.ts";
import { sizeOf } from "../../tensor/host.ts";
import type { Command } from "../command.ts";
import { loadModel, type LoadedModel } from "../load.ts";
import { showBytes } from "../numbers.ts";
import type { Out } from "../out.ts";
import { readConfigFile, readModelFile } from "../source.ts";
import { defaultTarget } from "../targets.ts";
import { writeFiles } from "./compile.ts";
import { run } from "./run.ts";

interface DemoOptions {
  readonly prompt: string;
  readonly generate: string;
  readonly out?: string;
}

/** The examples that the package carries, from `src/cli/commands` and from `dist/cli/commands` alike. */
const examples = fileURLToPath(new URL("../../../examples/", import.meta.url));

/** As a person in this folder would write it: emitted code names the file. */
const here = (path: string): string => relative(process.cwd(), path);

/** Sizes for which the summary counts bytes: the context that the model was trained on. */
const sizes = new Map([
  ["B", 1],
  ["T", 256],
]);

export const command: Command = {
  arguments: [],
  options: [
    { flags: "--prompt <text>", description: "how the text begins", default: "The whale" },
    { flags: "--generate <count>", description: "how many characters to add", default: "100" },
    { flags: "-o, --out <folder>", description: "also write the module that runs, to read it" },
  ],
  examples: [['lmg demo --prompt "Call me"', "let the model go on from there"]],
  async run(_args, { prompt, generate, out: folder }: DemoOptions, out) {
    const path = here(join(examples, "llama.lmg"));
    const weights = here(join(examples, "weights", "whale"));
    const config = readConfigFile(join(weights, "config.json"));
    const source = readModelFile(path);
    const row = targets[defaultTarget];
    const fused = await loadModel(source, {}, out, { config, target: row.target({}) });
    const unfused = await loadModel(source, { fuse: false }, out, { config });
    summarize(fused, unfused, out);
    if (folder !== undefined) {
      const emit = await row.load();
      for (const { path: written, bytes } of writeFiles(folder, emit(fused.plan)))
        out.write(`  wrote ${written} (${showBytes(bytes)}), a module that needs nothing else to run\n`);
    }
    out.write("lmg trained it on one novel; it writes, a character at a time:\n\n");
    const start = performance.now();
    const sampling = { temperature: "0.7", topP: "0.95", seed: "1", top: "5" };
    await run([path], { weights, prompt: [prompt], generate, ...sampling }, out);
    out.note(`\n${generate} characters in ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  },
};

/** What was compiled, and what fusion made of it. */
function summarize(fused: LoadedModel, unfused: LoadedModel, out: Out): void {
  const parameters = fused.model.graph.parameters.reduce(
    (sum, { value }) => sum + sizeOf(value.type.shape.map((size) => Number(size.key))),
    0,
  );
  const edges = explainEdges(fused.graph, fused.remarks);
  const joined = edges.filter((edge) => edge.joined).length;
  const bytes = ({ plan }: LoadedModel): string => showBytes(activationBytes(plan, sizes));
  out.write(
    `examples/llama.lmg, sizes and weights from examples/weights/whale: ${parameters.toLocaleString("en-US")} parameters\n` +
      `  ${joined} of ${edges.length} residual edges share a kernel with the norms beside them\n` +
      `  fusion: ${unfused.plan.steps.length} steps → ${fused.plan.steps.length}, ` +
      `${bytes(unfused)} of activations moved → ${bytes(fused)} (T = ${sizes.get("T")!})\n`,
  );
}
