import { expect, test } from "vitest";
import { probeEdges } from "../../src/autodiff/probe.ts";
import { observables } from "../../src/autodiff/train/observe.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import type { Graph, NodeOf, Value } from "../../src/ir/graph.ts";
import { parse } from "../../src/language/parse.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import type { Batches } from "../../src/train/data/batches.ts";
import type { EngineFactory } from "../../src/train/engine.ts";
import { interpreterEngine } from "../../src/train/interpreter-engine.ts";
import { lowerForTraining, trainingProgram } from "../../src/train/program.ts";
import { settingsOf, stepOptionsOf, type TrainingSettings } from "../../src/train/settings.ts";
import {
  alarmWords,
  Detector,
  isObserved,
  telemetryOf,
  type TelemetryColumn,
  type TelemetryMeasure,
} from "../../src/train/telemetry.ts";
import { beginningOf, Trainer, type Training } from "../../src/train/trainer.ts";
import { typescriptEngine } from "../../src/train/typescript-engine.ts";
import { webassemblyEngine } from "../../src/train/webassembly-engine.ts";

// Attention with two heads for keys, a gain, a dropout: what an observing step might disturb.
const text = `model small(vocab = 7, dim = 8, ctx = 6) {
  input tokens: i32[B, T <= ctx]
  wte: embedding(vocab, dim)
  residual { positions -> wpe: embedding(ctx, dim) }
  residual pre ln_1: layernorm { attn: attention(4, kv_heads: 2) }
  residual skip 0.5, branch gain: scale([dim], init: 0.7) { mlp: ffn(2 * dim, act: relu) -> dropout(0.1) }
  ln_f: layernorm
  head: linear(vocab)
  output logits: f32[B, T, vocab]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    optimizer adamw(lr: 1e-2, decay: 0.1)
    clip 1.0
    steps 6
    seed 5
  }
}
`;

const [ROWS, TOKENS] = [3, 6];

const batches: Batches = {
  description: "ids",
  perEpoch: 4,
  unit: "tokens",
  size: ROWS * TOKENS,
  validationBatches: 0,
  at: (index) => {
    const random = new RandomStream(1, `batch ${index}`);
    const ids = () => Array.from({ length: ROWS * TOKENS }, () => random.below(7));
    return {
      tokens: hostTensor("i32", [ROWS, TOKENS], ids()),
      next: hostTensor("i32", [ROWS, TOKENS], ids()),
    };
  },
  validation: () => [],
};

const { model } = lowerForTraining(parse({ name: "small.lmg", text }).file, {});
if (model === undefined) throw new Error("the model does not lower");

function trainingOf(observeEvery: number | undefined, accumulate = 1): Training {
  const settings = settingsOf(model!.train, batches, { accumulate }) as TrainingSettings;
  const { program } = trainingProgram(model!, {
    ...stepOptionsOf(settings),
    observe: observeEvery !== undefined,
  });
  return { program: program!, settings, batches, observeEvery };
}

/** Everything that a run says and leaves. */
async function runOf(training: Training, engine: EngineFactory): Promise<unknown> {
  const trainer = await Trainer.open(training, engine);
  try {
    const reports: unknown[] = [];
    while (trainer.step < training.settings.steps) {
      const { measures, gradientNorm } = await trainer.advance();
      reports.push([measures["loss"], gradientNorm]);
    }
    return { reports, state: (await trainer.snapshot()).state };
  } finally {
    trainer.close();
  }
}

test.each([
  ["WebAssembly", webassemblyEngine(1), 1],
  ["WebAssembly, two batches an update", webassemblyEngine(1), 2],
] as const)(
  "a run whose every step is observed has the bits of one that is not: %s",
  async (_, engine, accumulate) => {
    expect(await runOf(trainingOf(1, accumulate), engine)).toEqual(
      await runOf(trainingOf(undefined, accumulate), engine),
    );
  },
);

test("kernels in TypeScript round what an observed step keeps: the losses differ by that alone", async () => {
  const [observed, not] = (await Promise.all([
    runOf(trainingOf(1), typescriptEngine),
    runOf(trainingOf(undefined), typescriptEngine),
  ])) as readonly { readonly reports: readonly (readonly [number, number])[] }[];
  observed!.reports.forEach(([loss, norm], step) => {
    // Of about 2, in float32.
    expect(loss).toBeCloseTo(not!.reports[step]![0], 5);
    expect(norm).toBeCloseTo(not!.reports[step]![1], 5);
  });
});

/** The values that a graph gives for the first batch as the training begins. */
function valuesOf(graph: Graph, values: readonly Value[]) {
  const { state } = beginningOf(trainingOf(1));
  const parameters = Object.fromEntries(
    graph.parameters.map(({ name }) => [
      name,
      { dtype: "f32" as const, ...state[name]!, data: Float64Array.from(state[name]!.data) },
    ]),
  );
  const outputs = values.map((value, index) => ({ name: `value ${index}`, value, span: undefined }));
  const results = interpret(
    { ...graph, outputs: [...graph.outputs, ...outputs] },
    { inputs: batches.at(0), parameters },
  );
  return { results, values: outputs.map(({ name }) => results[name]!) };
}

test("measures of a step are those of a probe, and of attention, units and updates as computed by hand", async () => {
  const training = trainingOf(1);
  const { graph } = training.program.observe!;
  expect(verifyGraph(graph)).toEqual([]);
  const telemetry = telemetryOf(training.program)!;
  const trainer = await Trainer.open(training, interpreterEngine);
  const before = (await trainer.snapshot()).state;
  const { observed } = await trainer.advance();
  const after = (await trainer.snapshot()).state;
  const row = telemetry.row(observed!);
  const found = (edge: string | null, measure: TelemetryMeasure, weight?: string): number =>
    row[
      telemetry.columns.findIndex(
        (one) => one.edge === edge && one.measure === measure && one.weight === weight,
      )
    ]!;

  // The evaluation's graph drops nothing, so the probe is of the training's with the dropout taken out of the loss's way:
  // the first two edges lie before it, and their gradient does not.
  const source = model.train.graph;
  const probe = probeEdges(model.evaluation.train!.graph);
  const { results } = valuesOf(probe.graph, []);
  for (const [index, name] of ["edge 0", "edge 1"].entries()) {
    const { activation, branch, source: carried } = probe.edges[index]!;
    const size = (output: string): number => results[output]!.data[0]!;
    expect(found(name, "rms") / size(activation)).toBeCloseTo(1, 6);
    expect(found(name, "share") / (size(branch) / size(carried))).toBeCloseTo(1, 6);
  }
  expect(found("edge 2", "gain")).toBeCloseTo(0.7, 6);
  expect(found("edge 2", "max gain")).toBeCloseTo(0.7, 6);

  const attend = source.nodes.find((node): node is NodeOf<"attend"> => node.op === "attend")!;
  const relu = source.nodes.find((node) => node.op === "relu")!;
  const { q, k } = attend.operands;
  const [queries, keys, units] = valuesOf(source, [q, k, relu.results[0]!]).values;
  const width = q.type.shape.at(-1)!.key;
  let [largest, entropies, rows] = [-Infinity, 0, 0];
  const at = (tensor: typeof queries, head: number, row: number, i: number): number =>
    tensor!.data[(head * TOKENS + row) * Number(width) + i]!;
  // Four heads for queries and two for keys of each item, one item after the other.
  for (let head = 0; head < 4 * ROWS; head++)
    for (let query = 0; query < TOKENS; query++) {
      const scores = Array.from({ length: query + 1 }, (_, key) => {
        let sum = 0;
        for (let i = 0; i < Number(width); i++)
          sum += at(queries, head, query, i) * at(keys, Math.floor(head / 2), key, i);
        return sum * attend.attrs.scale;
      });
      const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
      largest = Math.max(largest, ...scores);
      entropies -= scores.reduce(
        (sum, score) => sum + (Math.exp(score) / total) * Math.log(Math.exp(score) / total),
        0,
      );
      rows++;
    }
  expect(found("edge 1", "logit")).toBeCloseTo(largest, 6);
  expect(found("edge 1", "entropy")).toBeCloseTo(entropies / rows, 6);
  const idle = Array.from({ length: 16 }, (_, unit) =>
    Array.from({ length: ROWS * TOKENS }, (_, token) => units!.data[16 * token + unit]!).every(
      (value) => value <= 0,
    ),
  );
  expect(found("edge 2", "idle")).toBeCloseTo(idle.filter(Boolean).length / 16, 6);

  const norm = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values));
  const weight = "mlp.fc1.weight";
  const moved = Array.from(after[weight]!.data, (value, index) => value - before[weight]!.data[index]!);
  expect(found("edge 2", "weight", weight) / norm(before[weight]!.data)).toBeCloseTo(1, 6);
  expect(found("edge 2", "update", weight) / (norm(moved) / norm(before[weight]!.data))).toBeCloseTo(1, 5);
  trainer.close();
});

test("the gradient at an edge is that of a probe, and the cosine that of what is added", async () => {
  const plain = text.replace(" -> dropout(0.1)", "");
  const { model: dry } = lowerForTraining(parse({ name: "dry.lmg", text: plain }).file, {});
  const settings = settingsOf(dry!.train, batches) as TrainingSettings;
  const { program } = trainingProgram(dry!, { ...stepOptionsOf(settings), observe: true });
  const training: Training = { program: program!, settings, batches, observeEvery: 1 };
  const telemetry = telemetryOf(program!)!;
  const trainer = await Trainer.open(training, interpreterEngine);
  const row = telemetry.row((await trainer.advance()).observed!);
  trainer.close();
  const of = (index: number, measure: TelemetryMeasure): number =>
    row[telemetry.columns.findIndex((column) => column.index === index && column.measure === measure)]!;
  const probe = probeEdges(dry!.train.graph);
  const { results } = valuesOf(probe.graph, []);
  probe.edges.forEach(({ edge, gradient, sum, source, branch, skipGain, branchGain }) => {
    const size = (output: string | undefined): number =>
      output === undefined ? 1 : results[output]!.data[0]!;
    expect(of(edge, "gradient") / size(gradient)).toBeCloseTo(1, 6);
    // |c + b|² = |c|² + |b|² + 2 |c| |b| cos.
    const [c, b] = [skipGain.scale * size(source), branchGain.scale * size(branchGain.tensor) * size(branch)];
    const cosine = (size(sum) ** 2 - c ** 2 - b ** 2) / (2 * c * b);
    // A gain of one number for all, as it begins, makes the sizes' product that of the scaled branch.
    expect(of(edge, "cosine")).toBeCloseTo(cosine, 5);
  });
});

test("every kind of output is a column, or a part of one", () => {
  const { observed } = trainingOf(1).program.observe!;
  expect(new Set(observed.map(({ what }) => what))).toEqual(new Set(observables));
});

test("steps are observed at powers of two and at every so many", () => {
  const steps = Array.from({ length: 40 }, (_, index) => index + 1).filter((step) => isObserved(step, 10));
  expect(steps).toEqual([1, 2, 4, 8, 10, 16, 20, 30, 32, 40]);
});

const columnOf = (measure: TelemetryMeasure, edge: string): TelemetryColumn => ({
  measure,
  edge,
  index: 0,
  line: 7,
  branch: "other",
});

function alarmOf(measure: TelemetryMeasure, later: readonly number[]): string | undefined {
  const detector = new Detector([columnOf(measure, "h.0 edge 1"), columnOf("gradient", "h.9 edge 1")]);
  for (const step of [1, 2, 4, 8]) detector.add(step, Float32Array.of(1 + step / 8, 1));
  later.forEach((value, index) => detector.add(10 * (index + 1), Float32Array.of(value, 1)));
  return detector.alarm && alarmWords(detector.alarm);
}

test("a detector names edge, line, measure and direction where an edge leaves ten times its first eight steps", () => {
  expect(alarmOf("rms", [19, 21, 40])).toBe(
    "step 20: the RMS of the stream at h.0 edge 1 (line 7) is 11 times larger than in its first 8 steps",
  );
  expect(alarmOf("gradient", [0.2, 0.1])).toBe(
    "step 20: the gradient norm of the stream at h.0 edge 1 (line 7) is 11 times smaller than in its first 8 steps",
  );
  expect(alarmOf("rms", [NaN])).toContain("beyond all numbers larger");
  // A branch that shrinks beside what is carried is how a deep stack trains, and entropy may go where it likes.
  expect(alarmOf("share", [1e-3, 15])).toBeUndefined();
  expect(alarmOf("entropy", [100, 1e-9])).toBeUndefined();
});

test("all gradients may shrink together: a detector looks at an edge beside the last", () => {
  const detector = new Detector([columnOf("gradient", "h.0 edge 0"), columnOf("gradient", "h.9 edge 1")]);
  for (const step of [1, 2, 4, 8, 10, 20, 30])
    detector.add(step, Float32Array.of(2 / step ** 3, 1 / step ** 3));
  expect(detector.alarm).toBeUndefined();
});
