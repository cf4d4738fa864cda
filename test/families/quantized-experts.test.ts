import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readJsonFile } from "../../src/checkpoint/files/json.ts";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import { readNpy } from "../../src/checkpoint/npy.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { publishedModel } from "../../src/cli/run/published.ts";
import { packChosen } from "../../src/cli/run/quantized.ts";
import { compile } from "../../src/compile.ts";
import { targets } from "../../src/emit/targets.ts";
import { matchWeights } from "../../src/run/weights.ts";
import { lmg, mistake, put } from "../cli/harness.ts";
import { casesIn } from "./alone.ts";
import { relativeDifference } from "./difference.ts";
import { tolerances } from "./support.ts";

/*
 * Checkpoints whose experts are codes, as libraries publish them (`test/golden/quantized_experts.py`): what transformers computes of the
 * floats that the codes stand for, in float64.
 */

const root = "test/golden/quantized";
const names = readdirSync(root);
const folder = mkdtempSync(join(tmpdir(), "lmg-experts-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The difference of `lmg run FOLDER` from the golden, relative to the largest logit. */
async function differenceOf(name: string, ...more: readonly string[]): Promise<number> {
  const [file, ids] = [join(folder, "logits.npy"), `${root}/${name}/golden.safetensors:case0/input_ids`];
  const { code, notes } = await lmg(
    "run",
    `${root}/${name}`,
    "--input",
    `tokens=${ids}`,
    "--logits",
    file,
    ...more,
  );
  expect([code, notes]).toEqual([0, ""]);
  const [{ logits }] = casesIn(`${root}/${name}`) as [ReturnType<typeof casesIn>[number]];
  return relativeDifference(orThrow(readNpy(readFileSync(file), file)), logits);
}

/** The parameters that a model keeps as codes, by the checkpoint of a folder. */
function keptAsCodes(name: string): readonly string[] {
  const at = `${root}/${name}`;
  const config = orThrow(readJsonFile(`${at}/config.json`));
  const { model, graph, plan } = compile(publishedModel(at)!, { config });
  const weights = matchWeights(graph!, orThrow(openCheckpoint(at)));
  if (!("tensors" in weights)) throw new Error(weights[0]!.message);
  const loaded = { model: model!, graph: graph!, plan: plan!, remarks: [] };
  const { packing } = packChosen(loaded, weights, {}, targets.wasm.target({}));
  weights.close();
  return [...packing.parameters.keys()];
}

describe.each(names)("%s", (name) => {
  test("is the model of the floats that its codes stand for, in the interpreter", async () => {
    expect(await differenceOf(name, "--interpret", "--quantize", "none")).toBeLessThan(
      tolerances.interpreter,
    );
    expect(await differenceOf(name, "--interpret", "--activations", "f32")).toBeLessThan(
      tolerances.interpreter,
    );
  });

  test.each(["wasm", "ts"])("is it on %s with its experts as codes, and as floats", async (target) => {
    const to = ["--target", target];
    expect(await differenceOf(name, ...to, "--activations", "f32")).toBeLessThan(tolerances.plan);
    expect(await differenceOf(name, ...to, "--quantize", "none")).toBeLessThan(tolerances.plan);
  });

  test("is near it with activations in 8 bits", async () => {
    // One of 127 steps of the largest of 32, through two layers.
    expect(await differenceOf(name)).toBeLessThan(0.05);
  });

  test("keeps its experts as codes, where lmg has such codes", () => {
    const experts = keptAsCodes(name).filter((parameter) => parameter.includes("experts"));
    const matrices = name.startsWith("gpt_oss") ? 2 : 3;
    expect(experts).toHaveLength(name.endsWith("fp8") ? 0 : 2 * matrices);
  });
});

/** A checkpoint of the goldens with other tensors, as a folder. */
function changed(
  name: string,
  keeps: (tensor: string) => boolean,
  renamed = (tensor: string) => tensor,
): string {
  const at = join(folder, `${name}-changed`);
  const { tensors, close } = orThrow(openCheckpoint(`${root}/${name}`));
  const kept = [...tensors].filter(([tensor]) => keeps(tensor));
  const named = new Map(kept.map(([tensor, each]) => [renamed(tensor), each.read()]));
  put(join(at, "model.safetensors"), writeSafetensors(named));
  put(join(at, "config.json"), readFileSync(`${root}/${name}/config.json`));
  close();
  return at;
}

describe("what is not read is refused by its name", () => {
  const refusal = (at: string): Promise<string> => mistake("run", at, "--tokens", "1,2");

  test("an expert whose scales are missing", async () => {
    const lost = "model.layers.1.mlp.experts.2.up_proj.weight_scale";
    const said = await refusal(changed("qwen3_moe_int4", (tensor) => tensor !== lost));
    expect(said).toContain("error[E725]");
    expect(said).toContain("model.layers.1.mlp.experts.2.up_proj.weight_packed");
  });

  test("an expert that is missing", async () => {
    const lost = "model.layers.1.mlp.experts.2.up_proj.";
    const said = await refusal(changed("qwen3_moe_int4", (tensor) => !tensor.startsWith(lost)));
    expect(said).toContain("error[E721]");
    expect(said).toContain("model.layers.1.mlp.experts.2.up_proj.weight");
  });

  test("blocks of gpt-oss without scales", async () => {
    const lost = "model.layers.0.mlp.experts.down_proj_scales";
    const said = await refusal(changed("gpt_oss_mxfp4", (tensor) => tensor !== lost));
    expect(said).toContain("error[E725]");
    expect(said).toContain("model.layers.0.mlp.experts.down_proj_blocks");
  });

  test("scales of another kind beside the codes of experts", async () => {
    const scale = /experts\.\d+\.up_proj\.weight_scale$/;
    const to = (tensor: string): string => tensor.replace(scale, (found) => `${found}_2`);
    const said = await refusal(changed("qwen3_moe_mxfp4", () => true, to));
    expect(said).toContain("error[E725]");
  });
});
