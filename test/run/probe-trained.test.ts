import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toFloat32 } from "../../src/checkpoint/stored.ts";
import { familyModel } from "../../src/families/models.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { randomBatch } from "../../src/run/probe/batch.ts";
import { probedLoss } from "../../src/run/probe/loss.ts";
import { probeModel } from "../../src/run/probe/probe.ts";
import { matchWeights } from "../../src/run/weights.ts";
import { hostTensor } from "../../src/tensor/host.ts";

const FOLDER = "test/golden/hf";

/** Tensors of the golden's case with one row, none of it masked, which transformers made in float32. */
function golden(
  name: string,
): (tensor: string) => { readonly shape: readonly number[]; readonly data: readonly number[] } {
  const path = `${FOLDER}/${name}/golden.safetensors`;
  const { tensors } = orThrow(readSafetensors(readFileSync(path), path));
  return (tensor) => {
    const stored = tensors.get(`case1/${tensor}`)!;
    return { shape: stored.shape, data: [...toFloat32(stored)] };
  };
}

/** What a probe finds of a published checkpoint on the golden's tokens. */
async function probed(name: string, inputs: Readonly<Record<string, string>>) {
  const tensor = golden(name);
  const config = JSON.parse(readFileSync(`${FOLDER}/${name}/config.json`, "utf8")) as {
    readonly model_type: string;
  };
  const { model } = lower(parse(familyModel(config.model_type)!).file, { config, configName: "config.json" });
  const { graph } = probedLoss(model!)!;
  const { shape } = tensor("tokens");
  const sizes = new Map([
    ["B", shape[0]!],
    ["T", shape[1]!],
  ]);
  const given = Object.fromEntries(
    Object.entries(inputs).map(([input, from]) => [input, hostTensor("i32", shape, tensor(from).data)]),
  );
  const checkpoint = orThrow(openCheckpoint(`${FOLDER}/${name}`));
  const weights = matchWeights(graph, checkpoint);
  if (!("tensors" in weights)) throw new Error(weights.map(({ message }) => message).join("\n"));
  const found = await probeModel({
    graph,
    batch: { ...randomBatch(graph, sizes, 1), ...given },
    seed: 1,
    weights: Object.fromEntries(
      [...weights.tensors].map(([parameter, each]) => [
        parameter,
        { shape: each.shape, data: toFloat32(each.read()) },
      ]),
    ),
  });
  weights.close();
  if (!("found" in found)) throw new Error(found.map(({ message }) => message).join("\n"));
  return { edges: found.found.edges, tensor };
}

/** transformers' hidden states are float32. */
const TOLERANCE = 1e-5;

test.each([
  // GPT-2's last hidden state is behind its last norm, which is no edge.
  ["gpt2", { tokens: "tokens" }, { "h.0 edge 1": "hidden1" }],
  [
    "bert",
    { input_ids: "tokens", token_type_ids: "token_types" },
    { "layer.0 edge 1": "hidden1", "layer.1 edge 1": "hidden2" },
  ],
] as const)(
  "the stream of a published %s has transformers' sizes behind each layer",
  async (name, inputs, states) => {
    const { edges, tensor } = await probed(name, inputs);
    for (const [edge, state] of Object.entries(states)) {
      const found = edges.find((each) => each.name.endsWith(edge))!;
      const { data } = tensor(state);
      const rms = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
      const largest = Math.max(...data.map(Math.abs));
      expect(Math.abs(found.before.activation / rms - 1), edge).toBeLessThan(TOLERANCE);
      expect(Math.abs(found.largest / largest - 1), edge).toBeLessThan(TOLERANCE);
    }
    // What lies between them, which transformers does not give, is of another size.
    const between = edges.find((each) => each.name.endsWith(".0 edge 0"))!;
    expect(between.before.activation).not.toBeCloseTo(
      edges.find((each) => each.name.endsWith(".0 edge 1"))!.before.activation,
      3,
    );
    // Lines of theory are for weights that are drawn.
    expect(edges.every(({ lines }) => lines.carried === "trained")).toBe(true);
  },
);
