import { describe, expect, test } from "vitest";
import { orThrow } from "../../../src/checkpoint/problem.ts";
import type { ModelProto } from "../../../src/checkpoint/onnx/schema.ts";
import { twoTextModels } from "../../../src/export/onnx/cached/two-texts.ts";
import { onnxBytes } from "../../../src/export/onnx/emit.ts";
import type { Opset } from "../../../src/export/onnx/opsets.ts";
import type { Engine } from "../../../src/run/engine.ts";
import { twoTexts } from "../../../src/run/tokens.ts";
import { hostTensor, type HostTensor } from "../../../src/tensor/host.ts";
import { engineOf, opened } from "../../families/alone.ts";
import { modelOf as lowered } from "../../lower/support.ts";
import { goldenPlaces, goldenWeights } from "./goldens.ts";
import { differenceOf, openSession, runSession, type HostTensors, type OnnxSession } from "./runtime.ts";

/** Of the whole run in float64: float32 rounds to 6e-8, some ten times a layer. */
const TOLERANCE = 2e-6;

type Rows = readonly (readonly number[])[];

const ids = (rows: Rows): HostTensor => hostTensor("i64", [rows.length, rows[0]!.length], rows.flat());

interface Opened {
  readonly encoder: OnnxSession;
  readonly decoder: OnnxSession;
  readonly model: ModelProto;
}

async function open(name: string, opset: Opset): Promise<Opened> {
  const { graph } = opened(name);
  const places = goldenPlaces(name);
  const made = twoTextModels(graph, {
    ...twoTexts(graph, "logits")!,
    opset,
    output: "logits",
    places: { encoder: places, decoder: places },
  });
  if ("reason" in made) throw new Error(made.detail);
  const weights = goldenWeights(name);
  return {
    encoder: await openSession(onnxBytes(made.encoder), weights),
    decoder: await openSession(onnxBytes(made.decoder), weights),
    model: made.decoder,
  };
}

/** A cache of nothing, as consumers make it: the batch is named, every other size that is open is none. */
const emptyCache = ({ graph }: ModelProto, batch: number): HostTensors =>
  Object.fromEntries(
    graph.input
      .filter(({ name }) => name.startsWith("past_key_values."))
      .map(({ name, type }) => {
        const shape = type.tensorType.shape!.dim.map(
          ({ dimValue, dimParam }) => dimValue ?? (dimParam === "batch_size" ? batch : 0),
        );
        return [name, hostTensor("f32", shape, [])];
      }),
  );

/**
 * A decoder as transformers.js and Optimum run it: the encoder once, then tokens with the cache handed on, of which the source's
 * part stays what the first run gave.
 */
class Writer {
  readonly #opened: Opened;
  readonly #source: HostTensors;
  #cache: HostTensors;

  private constructor(opened: Opened, source: HostTensors, batch: number) {
    this.#opened = opened;
    this.#source = source;
    this.#cache = emptyCache(opened.model, batch);
  }

  static async of(opened: Opened, source: Rows, mask: Rows): Promise<Writer> {
    const given = { input_ids: ids(source), attention_mask: ids(mask) };
    const { last_hidden_state: hidden } = await runSession(opened.encoder, given);
    const read = { encoder_hidden_states: hidden!, encoder_attention_mask: ids(mask) };
    return new Writer(opened, read, source.length);
  }

  async read(rows: Rows): Promise<HostTensor> {
    const found = await runSession(this.#opened.decoder, {
      input_ids: ids(rows),
      ...this.#source,
      ...this.#cache,
    });
    const isFirst = Object.values(this.#cache).every(({ data }) => data.length === 0);
    this.#cache = Object.fromEntries(
      Object.entries(this.#cache).map(([name, before]) => [
        name,
        name.includes(".encoder.") && !isFirst ? before : found[name.replace("past_key_values", "present")]!,
      ]),
    );
    return found["logits"]!;
  }
}

/** Logits of the whole model in float64. */
async function whole(engine: Engine, source: Rows, mask: Rows, target: Rows): Promise<HostTensor> {
  const given = {
    input_ids: { ...ids(source), dtype: "i32" as const },
    attention_mask: { ...ids(mask), dtype: "bool" as const },
    decoder_input_ids: { ...ids(target), dtype: "i32" as const },
  };
  return orThrow(await engine.run(new Map(Object.entries(given)))).get("logits")!;
}

/** The rows of logits from one position up to another. */
function rowsOf({ shape, data }: HostTensor, first: number, end: number): HostTensor {
  const [batch, rows, width] = shape as readonly [number, number, number];
  const values = Array.from({ length: batch }, (_, b) => [
    ...data.subarray((b * rows + first) * width, (b * rows + end) * width),
  ]);
  return hostTensor("f32", [batch, end - first, width], values.flat());
}

/** The likeliest token of the last row of each text. */
function likeliest({ shape, data }: HostTensor): readonly number[] {
  const [batch, rows, width] = shape as readonly [number, number, number];
  return Array.from({ length: batch }, (_, b) => {
    const row = data.subarray((b * rows + rows - 1) * width, (b + 1) * rows * width);
    return row.indexOf(Math.max(...row));
  });
}

/** Tokens that a text goes on with, for each of a batch. */
const COUNT = 12;

async function greedy(writer: Writer, count: number): Promise<Rows> {
  const texts: number[][] = source.map(() => [0]);
  while (texts[0]!.length <= count) {
    const next = likeliest(await writer.read(texts.map((text) => text.slice(-1))));
    texts.forEach((text, b) => text.push(next[b]!));
  }
  return texts;
}

async function wholeGreedy(engine: Engine, count: number): Promise<Rows> {
  const texts: number[][] = source.map(() => [0]);
  while (texts[0]!.length <= count) {
    const next = likeliest(await whole(engine, source, mask, texts));
    texts.forEach((text, b) => text.push(next[b]!));
  }
  return texts;
}

/** Two sources, of which the second has two positions of padding behind it. */
const source = [
  [5, 9, 2, 7, 1],
  [3, 8, 4, 0, 0],
];
const mask = [
  [1, 1, 1, 1, 1],
  [1, 1, 1, 0, 0],
];
const target = [
  [0, 6, 2, 9, 3],
  [0, 4, 4, 1, 7],
];

const families = ["t5", "t5_gated", "mt5", "bart", "marian", "pegasus", "mbart"];
const rows = [...families.map((name) => [23, name] as const), [17, "t5"] as const, [17, "bart"] as const];

describe.each(rows)("opset %d, %s as an encoder, and a decoder with a cache", (opset, name) => {
  test("gives in steps the logits of the whole model, and writes what it writes", async () => {
    const opened = await open(name, opset);
    const engine = await engineOf(name, "interpreter");
    const expected = await whole(engine, source, mask, target);
    for (const runs of [[5], [1, 1, 1, 1, 1], [2, 1, 2]]) {
      const writer = await Writer.of(opened, source, mask);
      let at = 0;
      for (const run of runs) {
        const found = await writer.read(target.map((row) => row.slice(at, at + run)));
        expect(differenceOf(found, rowsOf(expected, at, at + run))).toBeLessThan(TOLERANCE);
        at += run;
      }
    }
    const written = await greedy(await Writer.of(opened, source, mask), COUNT);
    expect(written).toEqual(await wholeGreedy(engine, COUNT));
    engine.close();
    await opened.encoder.release();
    await opened.decoder.release();
  });

  test("has the names that consumers of such folders ask for", async () => {
    const { encoder, decoder, model } = await open(name, opset);
    expect(encoder.inputNames).toEqual(["input_ids", "attention_mask"]);
    const parts = ["decoder.key", "decoder.value", "encoder.key", "encoder.value"];
    const layers = decoder.inputNames
      .filter((each) => each.endsWith(".decoder.key"))
      .map((_, layer) => layer);
    expect(layers.length).toBeGreaterThan(0);
    const pairs = (first: string): readonly string[] =>
      layers.flatMap((layer) => parts.map((part) => `${first}.${layer}.${part}`));
    expect(decoder.inputNames).toEqual([
      ...["input_ids", "encoder_hidden_states", "encoder_attention_mask"],
      ...pairs("past_key_values"),
    ]);
    expect(model.graph.output.map((each) => each.name)).toEqual(["logits", ...pairs("present")]);
    await encoder.release();
    await decoder.release();
  });
});

/** Why a text of `.lmg` is no encoder and decoder, or undefined. */
function whyNot(body: string): string | undefined {
  const { graph } = lowered(`model m {
  input ids: i32[B, S]
  input next: i32[B, T]
  input mask: bool[B, S] = true
  ${body}
  output logits: f32[B, T, 9]
}`);
  const places = () => [];
  const given = {
    ...twoTexts(graph, "logits")!,
    output: "logits",
    places: { encoder: places, decoder: places },
  };
  const made = twoTextModels(graph, given);
  return "reason" in made ? made.detail : undefined;
}

test("what has no encoder, or looks ahead, is refused by what does not fit", () => {
  const read = "ids -> wte: embedding(9, 8)\n  memory = stream -> enc: linear(8)\n  next -> same(wte)";
  const cross = "(stream, memory, mask) -> cross: cross_attention(2)";
  const head = "unembed(wte)";
  expect(whyNot([read, "self: attention(2, causal: false)", cross, head].join("\n  "))).toMatch(
    /attention sees later positions/,
  );
  expect(whyNot([read, "self: attention(2)", head].join("\n  "))).toMatch(/`ids`/);
});
