import { expect, test, describe } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import { readJsonFile } from "../../src/checkpoint/files/json.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { toHostTensor } from "../../src/checkpoint/stored.ts";
import { openNamed } from "../../src/cli/run/chosen.ts";
import { publishedModel } from "../../src/cli/run/published.ts";
import { targets } from "../../src/emit/targets.ts";
import { brokenRow, MASK, maskedGraph } from "../../src/incremental/masked.ts";
import { Refusal } from "../../src/incremental/refusal.ts";
import { planGraph } from "../../src/plan/build.ts";
import { openEngine } from "../../src/run/engines.ts";
import type { Engine } from "../../src/run/engine.ts";
import { interpreterEngine } from "../../src/run/interpreter-engine.ts";
import { matchWeights } from "../../src/run/weights.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { lowered } from "../families/alone.ts";
import { relativeDifference } from "../families/difference.ts";
import { tolerances } from "../families/support.ts";

/**
 * Decoders of each kind of position, whose texts begin behind padding: transformers' logits in float64 by the mask and the
 * positions that its `generate` makes of it (`test/golden/texts.py`).
 */
const file = orThrow(openCheckpoint("test/golden/padded.safetensors"));
const tensorOf = (name: string): HostTensor => orThrow(toHostTensor(file.tensors.get(name)!.read(), name));
const folders = [...file.tensors.keys()].flatMap((name) =>
  name.endsWith("/logits") ? [name.slice(0, -"/logits".length)] : [],
);

async function difference(folder: string, on: "interpreter" | "wasm"): Promise<number> {
  const path = `test/golden/${folder}`;
  const config = orThrow(readJsonFile(`${path}/config.json`));
  const model = lowered(publishedModel(path)!, { config });
  const target = targets.wasm.target({});
  const masked = maskedGraph(model.graph, { output: "logits", ...(on === "wasm" ? { target } : {}) });
  if (masked instanceof Refusal) throw masked;
  const { notNeeded } = model;
  const weights = orThrow(matchWeights(model.graph, openNamed({ weights: path }), { notNeeded }));
  const engine: Engine =
    on === "interpreter"
      ? orThrow(interpreterEngine(masked.graph, weights))
      : orThrow(await openEngine("wasm", planGraph(masked.optimized, { target }), weights, { threads: 1 }));
  const mask = { ...tensorOf(`${folder}/attention_mask`), dtype: "bool" } as const;
  const inputs = new Map([["tokens", tensorOf(`${folder}/input_ids`)], [MASK, mask] as const]);
  const outputs = orThrow(await engine.run(inputs));
  engine.close();
  const logits = outputs.get("logits")!;
  return relativeDifference(realRows(logits, mask), tensorOf(`${folder}/logits`));
}

/** The rows of logits [B, T, V] that are of texts, as [rows, V]. */
function realRows({ data, shape }: HostTensor, mask: HostTensor): HostTensor {
  const width = shape.at(-1)!;
  const rows = Array.from(mask.data, (is, row) =>
    is === 1 ? Array.from(data.subarray(row * width, (row + 1) * width)) : [],
  );
  const values = rows.flat();
  return hostTensor("f32", [values.length / width, width], values);
}

describe.each(folders)("%s", (folder) => {
  test("gives transformers' logits of texts behind padding, interpreted and as WebAssembly", async () => {
    expect(await difference(folder, "interpreter")).toBeLessThan(tolerances.interpreter);
    expect(await difference(folder, "wasm")).toBeLessThan(tolerances.plan);
  });
});

test("there are decoders of each kind of position", () => {
  expect(folders.length).toBeGreaterThan(20);
});

test("a mask with padding within a text is told by its row", () => {
  expect(brokenRow(hostTensor("bool", [3, 4], [0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]))).toBeUndefined();
  expect(brokenRow(hostTensor("bool", [2, 4], [0, 0, 1, 1, 1, 0, 1, 1]))).toBe(1);
});
