import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { orThrow } from "../../../src/checkpoint/problem.ts";
import { onnxBytes } from "../../../src/export/onnx/emit.ts";
import { cachedModel } from "../../../src/export/onnx/cached/one-text.ts";
import { opsets, type Opset } from "../../../src/export/onnx/opsets.ts";
import type { ModelProto } from "../../../src/checkpoint/onnx/schema.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { parse } from "../../../src/language/parse.ts";
import { lower } from "../../../src/lower/lower.ts";
import { outputOf } from "../../../src/run/model.ts";
import { tokenInput } from "../../../src/run/tokens.ts";
import { hostTensor, type HostTensor } from "../../../src/tensor/host.ts";
import { rounded } from "../../emit/compare.ts";
import { opened } from "../../families/alone.ts";
import { smallSizes } from "../../programs/sizes.ts";
import {
  differenceOf,
  openSession,
  runSession,
  weightsFile,
  type HostTensors,
  type OnnxSession,
} from "./runtime.ts";

const read = (path: string) => ({ name: path, text: readFileSync(path, "utf8") });

/** A model of the examples in small sizes. */
function small(path: string): Graph {
  const { file } = parse(read(path));
  const [definition] = file.definitions.filter(({ kind }) => kind === "model");
  const settings = Object.fromEntries(
    definition!.parameters
      .map(({ name }) => name.text)
      .filter((name) => name in smallSizes)
      .map((name) => [name, smallSizes[name]!]),
  );
  return lower(file, { settings, resolveUse: read }).model!.graph;
}

interface Opened {
  readonly session: OnnxSession;
  readonly model: ModelProto;
  readonly takesMask: boolean;
  readonly parameters: HostTensors;
}

async function open(graph: Graph, opset: Opset): Promise<Opened> {
  const parameters = rounded(randomParameters(graph, 2));
  const { bytes, places } = weightsFile(parameters, "f32");
  const made = cachedModel(graph, {
    opset,
    places,
    tokens: orThrow(tokenInput(graph)),
    output: outputOf({ graph }),
  });
  if ("reason" in made) throw new Error(made.detail);
  return { ...made, parameters, session: await openSession(onnxBytes(made.model), bytes) };
}

/** A cache of no positions. */
const emptyCache = ({ model }: Opened, batch: number): HostTensors =>
  Object.fromEntries(
    model.graph.input
      .slice(model.graph.input.findIndex(({ name }) => name.startsWith("past")))
      .map(({ name, type }) => {
        const shape = type.tensorType.shape!.dim.map(
          ({ dimValue, dimParam }) => dimValue ?? (dimParam === "past_sequence_length" ? 0 : batch),
        );
        return [name, hostTensor("f32", shape, new Float64Array(shape.reduce((a, b) => a * b, 1)))];
      }),
  );

/** Logits of rows of ids that are read in runs of these lengths, the cache handed on. */
async function readIn(
  opened: Opened,
  rows: readonly (readonly number[])[],
  runs: readonly number[],
  mask: readonly (readonly number[])[] = rows.map((row) => row.map(() => 1)),
): Promise<readonly HostTensor[]> {
  let cache = emptyCache(opened, rows.length);
  let at = 0;
  const logits: HostTensor[] = [];
  for (const run of runs) {
    const end = at + run;
    const part = (of: readonly (readonly number[])[], from: number): HostTensor =>
      hostTensor(
        "i64",
        [of.length, end - from],
        of.flatMap((row) => row.slice(from, end)),
      );
    const found = await runSession(opened.session, {
      input_ids: part(rows, at),
      ...(opened.takesMask ? { attention_mask: part(mask, 0) } : {}),
      ...cache,
    });
    logits.push(found["logits"]!);
    cache = Object.fromEntries(
      Object.keys(cache).map((name) => [
        name,
        found[name.replace("past_key_values.", "present.").replace(/^past\./, "present.")]!,
      ]),
    );
    at = end;
  }
  return logits;
}

/** What a deep model loses to float32, twice: sums over a cache come in another order. */
const TOLERANCE = 5e-6;

/** The rows of logits from one position up to another. */
function rowsOf({ shape, data }: HostTensor, first: number, end: number): HostTensor {
  const [batch, rows, width] = shape as readonly [number, number, number];
  const values = Array.from({ length: batch }, (_, b) => [
    ...data.subarray((b * rows + first) * width, (b * rows + end) * width),
  ]);
  return hostTensor("f32", [batch, end - first, width], values.flat());
}

/** Encoders, and those that read something else than tokens. */
const withoutText: ReadonlySet<string> = new Set([
  ...["bert", "digits", "digits_plain", "norm_tanh", "residual_dense", "deepnorm", "layerscale", "rezero"],
]);

const decoders = readdirSync("examples")
  .filter((name) => name.endsWith(".lmg"))
  .map((name) => name.slice(0, -4))
  .filter((name) => !withoutText.has(name));

const families = ["bloom", "mamba2", "lfm2", "gpt_oss", "qwen3_next", "rwkv"];

const graphs: Readonly<Record<string, () => Graph>> = {
  ...Object.fromEntries(decoders.map((name) => [name, () => small(`examples/${name}.lmg`)])),
  ...Object.fromEntries(families.map((name) => [name, () => opened(name).graph])),
};

/** Attention of each kind, without the op for it. */
const expanded = ["llama", "gemma2", "bloom"];
const rows = opsets.flatMap((opset) =>
  (opset === 23 ? Object.keys(graphs) : expanded).map((name) => [opset, name] as const),
);

describe("with a cache", () => {
  test.each(rows)("in opset %d, %s reads a text in parts as at once", async (opset, name) => {
    const graph = graphs[name]!();
    const opened = await open(graph, opset);
    const tokens = orThrow(tokenInput(graph));
    const [batch, positions] = tokens.value.type.shape.map(({ key }) => key) as [string, string];
    const inputs = randomInputs(graph, { [batch]: 2, [positions]: 7 }, 3);
    const ids = inputs[tokens.name]!;
    const texts = [0, 1].map((row) => [...ids.data.subarray(row * 7, row * 7 + 7)]);
    const given = { [tokens.name]: ids };
    const whole = interpret(graph, { inputs: given, parameters: opened.parameters })[outputOf({ graph })]!;
    for (const runs of [[7], [4, 1, 2]]) {
      const parts = await readIn(opened, texts, runs);
      let at = 0;
      for (const part of parts) {
        const end = at + part.shape[1]!;
        expect(differenceOf(part, rowsOf(whole, at, end))).toBeLessThan(TOLERANCE);
        at = end;
      }
    }
    if (!opened.takesMask) return;
    // The second text begins three positions later: what is read of it is what is read of it alone.
    const padded = [texts[0]!, [0, 0, 0, ...texts[1]!.slice(0, 4)]];
    const mask = [texts[0]!.map(() => 1), [0, 0, 0, 1, 1, 1, 1]];
    const [last] = (await readIn(opened, padded, [6, 1], mask)).slice(-1);
    const alone = rowsOf(whole, 0, 7);
    const expected = hostTensor(
      "f32",
      [2, 1, whole.shape[2]!],
      [
        ...rowsOf(alone, 6, 7).data.subarray(0, whole.shape[2]),
        ...rowsOf(alone, 3, 4).data.subarray(whole.shape[2]),
      ],
    );
    expect(differenceOf(last!, expected)).toBeLessThan(TOLERANCE);
  });
});
