// A second opinion: compares lmg with golden values that are not part of this repository.
//
//     npx tsx test/torch/reference.ts FOLDER [--wgsl]
//
// FOLDER holds `torch/*.json` and `.safetensors` in the form of `test/golden/torch`, and `stories260K/` with a Llama
// checkpoint and its `golden.json` (prompts as tokens, float64 logits, greedy text). Exits with 1 if anything differs.
// With --wgsl the stories are also told by shaders.
import { executionDevice } from "../webgpu/device.ts";
import { compareModules, compareStories, Comparison } from "./second-opinion.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: npx tsx test/torch/reference.ts FOLDER [--wgsl]");
const withShaders = process.argv.includes("--wgsl");
if (withShaders && (await executionDevice()) === undefined) throw new Error("there is no WebGPU adapter");
const comparison = new Comparison((line) => console.log(line));
await compareModules(folder, comparison);
await compareStories(`${folder}/stories260K`, withShaders, comparison);
console.log(comparison.different === 0 ? "all agree" : `${comparison.different} differ`);
process.exitCode = comparison.different === 0 ? 0 : 1;
