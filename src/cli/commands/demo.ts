import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readConfig } from "../../checkpoint/config.ts";
import { readBytes } from "../../checkpoint/files.ts";
import { plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { loadModel } from "../load.ts";
import { orStop } from "../stop.ts";
import { run } from "./run.ts";

interface DemoOptions {
  readonly prompt: string;
  readonly generate: string;
}

/** The examples that the package carries, from `src/cli/commands` and from `dist/cli/commands` alike. */
const examples = fileURLToPath(new URL("../../../examples/", import.meta.url));

export const command: Command = {
  arguments: [],
  options: [
    { flags: "--prompt <text>", description: "how the text begins", default: "The whale" },
    { flags: "--generate <count>", description: "how many characters to add", default: "100" },
  ],
  examples: [['lmg demo --prompt "Call me"', "let the model go on from there"]],
  async run(_args, { prompt, generate }: DemoOptions, out) {
    const path = join(examples, "llama.lmg");
    const weights = join(examples, "weights", "whale");
    const file = join(weights, "config.json");
    const config = orStop(readConfig(orStop(readBytes(file)), file));
    const fused = await loadModel(path, {}, out, { config });
    const unfused = await loadModel(path, { fuse: false }, out, { config });
    out.write(`examples/llama.lmg with the sizes of examples/weights/whale/config.json:\n`);
    out.write(`  ${plural(fused.model.graph.edges.length, "residual edge")}; `);
    out.write(`${fused.plan.steps.length} steps after fusion, ${unfused.plan.steps.length} without\n`);
    out.write(`a small model that was trained on one novel, run from the emitted module:\n\n`);
    const sampling = { temperature: "0.7", topP: "0.95", seed: "1", top: "5" };
    await run([path], { weights, prompt, generate, ...sampling }, out);
  },
};
