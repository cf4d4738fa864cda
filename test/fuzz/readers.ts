import { importOnnx } from "../../src/import/onnx/import.ts";
import { readOnnx } from "../../src/import/onnx/read.ts";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readConfig } from "../../src/checkpoint/config.ts";
import { writeIdx } from "../../src/checkpoint/idx.ts";
import { publishedModel } from "../../src/checkpoint/gguf/model.ts";
import { readGguf } from "../../src/checkpoint/gguf/tensors.ts";
import { isJsonObject, parseJsonObject, type JsonObject } from "../../src/checkpoint/json.ts";
import { readNpy } from "../../src/checkpoint/npy.ts";
import { readNpz } from "../../src/checkpoint/npz.ts";
import { Problem } from "../../src/checkpoint/problem.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { parseShardIndex } from "../../src/checkpoint/shards.ts";
import { toFloat32 } from "../../src/checkpoint/stored.ts";
import { withTrainedModel } from "../../src/cli/run/trained.ts";
import { mistakesIn } from "../../src/cli/stop.ts";
import { MetricsFile } from "../../src/cli/train/metrics-file.ts";
import { compile, type CompileOptions } from "../../src/compile.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { emitWgsl } from "../../src/emit/wgsl/emit.ts";
import { printGraph } from "../../src/ir/print.ts";
import { readGraph } from "../../src/ir/read.ts";
import { format } from "../../src/language/format.ts";
import { reservedWords } from "../../src/language/words.ts";
import { showDiagnostic, type Diagnostic } from "../../src/support/diagnostic.ts";
import { huggingFaceTokenizer } from "../../src/text/huggingface/tokenizer.ts";
import { ggufTokenizer } from "../../src/text/gguf/tokenizer.ts";
import { piecesTokenizer } from "../../src/text/pieces.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { readTrainingCheckpoint } from "../../src/train/checkpoint.ts";
import { contentOf } from "../../src/train/data/source.ts";
import { fileWith, fixture } from "../checkpoint/fixtures.ts";
import {
  f32s,
  ggufFile,
  text as textValue,
  texts,
  u32,
  type WrittenFile,
} from "../checkpoint/gguf/writer.ts";
import { twoLayers } from "../ir/graphs.ts";
import { hostileModel } from "./hostile.ts";
import { mutateBytes, mutateJson, mutateText, vocabularyOf, wildNumber, type Random } from "./random.ts";

/** What reads from outside: how an input is made, and what must hold for it. Anything that is thrown is a failure. */
export interface Reader {
  /** How many of a thousand inputs are its. */
  readonly share: number;
  readonly make: (random: Random) => string | Uint8Array;
  readonly read: (input: never) => void;
}

const root = new URL("../../", import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, root), "utf8");
const bytes = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, root)));
const encode = (value: string): Uint8Array => new TextEncoder().encode(value);
const json = (path: string): unknown => JSON.parse(text(path));

/** A message is short enough to be read, whatever it tells of. */
function expectShown(diagnostics: readonly Diagnostic[]): void {
  for (const diagnostic of diagnostics) {
    const shown = showDiagnostic(diagnostic);
    if (shown.length > 20_000)
      throw new Error(`a message of ${shown.length} characters: ${shown.slice(0, 300)}`);

    const odd = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/.exec(shown);
    if (odd !== null)
      throw new Error(`a message with the character ${odd[0].charCodeAt(0)}: ${JSON.stringify(shown)}`);
  }
}

const expectProblem = (value: unknown): void => {
  if (value instanceof Problem) expectShown([value]);
};

const programs = ["examples/", "test/programs/"].flatMap((folder) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith(".lmg"))
    .map((name) => text(folder + name).replaceAll(/depth = \d+/g, "depth = 2"))
    .filter((program) => program.length < 4000),
);
const languageWords = vocabularyOf(programs);

function compiles(model: string, options: CompileOptions = {}): void {
  const source = { name: "m.lmg", text: model };
  const { diagnostics, plan } = compile(source, options);
  if (plan === undefined && diagnostics.length === 0) throw new Error("neither a plan nor a message");
  expectShown(diagnostics);
}

const irWords = vocabularyOf([
  twoLayers,
  "div(T + 1, 2) % nan inf -1 checkpoint [4, 4] softmax topk k: reshape",
]);

const safetensorsHeader = (random: Random): string => {
  const entry = (): unknown => ({
    dtype: random.pick(["F32", "F16", "BOOL", "I64", "BF16", "F8_E5M2", "", 3]),
    shape: random.several(3, () => wildNumber(random)),
    data_offsets: random.several(3, () => wildNumber(random)),
  });
  const names = random.several(4, () => random.pick(["a", "b", "__proto__", "__metadata__", "\u202e", ""]));
  return `{${names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(entry())}`).join(",")}}`;
};

const configs = readdirSync(new URL("test/golden/hf/", root), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => json(`test/golden/hf/${name}/config.json`));
const configured = ["gpt2", "llama", "gemma2", "bert", "neox"].map((name) => text(`examples/${name}.lmg`));

const tokenizers = [
  json("examples/weights/whale/tokenizer.json"),
  ...Object.values(
    (json("test/golden/text/tokenizer_files.json") as { cases: { file: unknown }[] }).cases,
  ).map(({ file }) => file),
].filter((file) => JSON.stringify(file ?? null).length < 30_000);

/** As JSON that a parser may refuse, once in a while. */
const jsonText = (random: Random, seeds: readonly unknown[]): string => {
  const value = JSON.stringify(mutateJson(random, random.pick(seeds))) as string | undefined;
  const written = value ?? "null";
  return random.below(12) === 0
    ? mutateText(random, written, ["{", "}", "[", '"', ":", "NaN", "Infinity", ","])
    : written;
};

function readsTokenizer(file: JsonObject, config: JsonObject): void {
  const tokenizer = huggingFaceTokenizer(file, config, "tokenizer.json");
  expectProblem(tokenizer);
  if (!(tokenizer instanceof Problem)) tokenizes(tokenizer);
}

function tokenizes(tokenizer: Tokenizer): void {
  const ids = tokenizer.encode("Hello wörld, it's 2024!\n  <s> ▁ \u0000 😀");
  expectProblem(ids);
  if (!(ids instanceof Problem)) tokenizer.decode(ids);
  tokenizer.decode([0, 1, 5, -1, 1e9]);
}

const objectOf = (value: string): JsonObject | undefined => {
  const object = parseJsonObject(value, "f.json");
  expectProblem(object);
  return isJsonObject(object as never) ? (object as JsonObject) : undefined;
};

const folder = mkdtempSync(join(tmpdir(), "lmg-fuzz-"));

/** A user's mistake ends a command by an error that tells it. */
function orMistakes(run: () => void): void {
  try {
    run();
  } catch (error) {
    const mistakes = mistakesIn(error);
    if (mistakes === undefined) throw error;
    expectShown(mistakes);
  }
}

const runFile = { model: "m", path: "model/m.lmg", set: { dim: "4" }, seed: 1, data: ["a.txt"], steps: 3 };
const metrics = [
  '{"step":1,"loss":2.5,"rate":0.001,"norm":1.2,"seconds":0.1}',
  '{"step":2,"validation":{"loss":2.4,"accuracy":0.1},"batches":null}',
  '{"step":3,"loss":null}',
].join("\n");

const idx = writeIdx([2, 3], Uint8Array.from([1, 2, 3, 4, 5, 6]));
const metadataOf = (architecture: string): NonNullable<WrittenFile["metadata"]> => [
  ["general.architecture", textValue("llama")],
  [`${architecture}.block_count`, u32(1)],
  [`${architecture}.tokens`, texts(["a", "b"])],
  [`${architecture}.scores`, f32s([1, 2])],
];
const ggufs = [
  ...["llama3", "gpt2", "gptneox", "gemma3"].map((name) => bytes(`test/golden/gguf/${name}.gguf`)),
  ...["llama", "gpt2", "bert"].map((name) => bytes(`test/golden/gguf/tokenizers/${name}.gguf`)),
  ggufFile({ metadata: metadataOf("llama") }),
  ggufFile({
    metadata: [["a", u32(1)]],
    tensors: [{ name: "w", sizes: [256, 2], type: 14, bytes: new Uint8Array(420) }],
  }),
];
const archives = ["stored.npz", "deflated.npz"].map(fixture);
const arrays = ["f4.npy", "f8_fortran.npy", "i8_version3.npy", "f2_version2.npy", "b1.npy", "scalar.npy"].map(
  fixture,
);
const checkpoint = fileWith(
  '{"__metadata__":{"step":"3","run":"{\\"seed\\":\\"1\\"}"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
  new Uint8Array(8),
);
const packed = [
  gzipSync(idx),
  gzipSync(arrays[0]!),
  gzipSync("a text"),
  bytes("examples/data/digits-labels.idx.gz").slice(0, 900),
];

const NAMES = /^[a-z_]\w*$/;
const nameWords = vocabularyOf([
  emitTypeScript(compile({ name: "m.lmg", text: programs[0]! }).plan!).files[0]!.text,
]).filter((word) => NAMES.test(word) && !reservedWords.has(word));

function parses(model: string): void {
  const { plan } = compile({ name: "names.lmg", text: model }, { verify: false });
  if (plan === undefined) return;
  for (const { files } of [emitTypeScript(plan, { types: false }), emitWgsl(plan, { types: false })])
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is parsed and never called
    new Function(`"use strict"; async () => { ${files[0]!.text.replaceAll(/^export /gm, "")} }`);
}

const onnxModel = new Uint8Array(
  readFileSync(new URL("../golden/onnx/decoder_dynamo.onnx", import.meta.url)),
);

export const readers = {
  "programs with words changed": {
    share: 30,
    make: (random) => mutateText(random, random.pick(programs), languageWords),
    read: (input: string) => {
      compiles(input);
    },
  },
  "programs formatted": {
    share: 50,
    make: (random) => mutateText(random, random.pick(programs), languageWords),
    read: (input: string) => {
      const once = format({ name: "m.lmg", text: input });
      expectShown(once.diagnostics);
    },
  },
  "programs that ask for much": {
    share: 1,
    make: hostileModel,
    read: (input: string) => {
      compiles(input);
    },
  },
  "settings and configs": {
    share: 15,
    make: (random) => jsonText(random, configs),
    read: (input: string) => {
      const config = readConfig(encode(input), "config.json");
      expectProblem(config);
      if (config instanceof Problem) return;
      const model = configured[input.length % configured.length]!;
      compiles(model, {
        settings: { depth: "1" },
        config: config,
      });
    },
  },
  "names in emitted modules": {
    share: 5,
    make: (random) => {
      const names = [...new Set(Array.from({ length: 1 + random.below(4) }, () => random.pick(nameWords)))];
      return `model ${random.pick(nameWords)} {\n${names.map((name) => `input ${name}: f32[B, 4]`).join("\n")}\n${names.map((name) => `${name} = ${name} -> ${random.pick(nameWords)}.${name}: linear(4) -> tanh\noutput ${name}`).join("\n")}\n}`;
    },
    read: parses,
  },
  "IR text": {
    share: 60,
    make: (random) => mutateText(random, twoLayers, irWords),
    read: (input: string) => {
      const { graph, diagnostics } = readGraph({ name: "m.ir", text: input });
      if (graph === undefined && diagnostics.length === 0) throw new Error("neither a graph nor a message");
      expectShown(diagnostics);
      if (graph !== undefined) readGraph({ name: "again.ir", text: printGraph(graph) });
    },
  },
  safetensors: {
    share: 120,
    make: (random) =>
      random.below(2) === 0
        ? fileWith(safetensorsHeader(random), new Uint8Array(random.below(40)))
        : mutateBytes(random, fixture("dtypes.safetensors")),
    read: (input: Uint8Array) => {
      const file = readSafetensors(input, "f");
      expectProblem(file);
      if (!(file instanceof Problem)) for (const tensor of file.tensors.values()) toFloat32(tensor);
    },
  },
  GGUF: {
    share: 60,
    make: (random) => mutateBytes(random, random.pick(ggufs)),
    read: (input: Uint8Array) => {
      const file = readGguf(input, "f.gguf");
      expectProblem(file);
      if (file instanceof Problem) return;
      const tokenizer = ggufTokenizer(file.metadata, "f.gguf");
      expectProblem(tokenizer);
      if (tokenizer !== undefined && !(tokenizer instanceof Problem)) tokenizes(tokenizer);
      const model = publishedModel(file, "f.gguf");
      expectProblem(model);
      if (!(model instanceof Problem)) for (const tensor of model.tensors.values()) toFloat32(tensor.read());
    },
  },
  "indexes of shards": {
    share: 60,
    make: (random) =>
      jsonText(random, [
        { metadata: { total_size: 8 }, weight_map: { a: "x-1.safetensors", b: "x-2.safetensors" } },
      ]),
    read: (input: string) => {
      expectProblem(parseShardIndex(input, "index.json"));
    },
  },
  npy: {
    share: 145,
    make: (random) => mutateBytes(random, random.pick(arrays)),
    read: (input: Uint8Array) => {
      expectProblem(readNpy(input, "f.npy"));
    },
  },
  npz: {
    share: 120,
    make: (random) => mutateBytes(random, random.pick(archives)),
    read: (input: Uint8Array) => {
      expectProblem(readNpz(input, "f.npz"));
    },
  },
  "IDX, and what is packed": {
    share: 160,
    make: (random) => {
      const inner = mutateBytes(random, random.pick([idx, ...arrays]));
      return random.below(2) === 0
        ? mutateBytes(random, random.pick([idx, ...packed]))
        : new Uint8Array(gzipSync(inner));
    },
    read: (input: Uint8Array) => {
      expectProblem(contentOf({ name: "data.gz", bytes: input }));
    },
  },
  "tokenizer.json": {
    share: 60,
    make: (random) => jsonText(random, tokenizers),
    read: (input: string) => {
      const file = objectOf(input);
      if (file !== undefined) readsTokenizer(file, {});
    },
  },
  "tokenizer_config.json": {
    share: 30,
    make: (random) =>
      jsonText(random, [{ clean_up_tokenization_spaces: true, model_max_length: 512, eos_token: "</s>" }]),
    read: (input: string) => {
      const config = objectOf(input);
      if (config !== undefined) readsTokenizer(tokenizers[0] as JsonObject, config);
    },
  },
  "pieces.json": {
    share: 20,
    make: (random) =>
      jsonText(random, [{ pieces: ["a", "b", "▁c", "\n"], special: ["<s>"] }, { pieces: [] }]),
    read: (input: string) => {
      const file = objectOf(input);
      const tokenizer = file && piecesTokenizer(file, "pieces.json");
      expectProblem(tokenizer);
      if (tokenizer !== undefined && !(tokenizer instanceof Problem))
        tokenizer.decode(tokenizer.encode("abc") as number[]);
    },
  },
  "run.json": {
    share: 15,
    make: (random) => jsonText(random, [runFile]),
    read: (input: string) => {
      writeFileSync(join(folder, "run.json"), input);
      orMistakes(() => withTrainedModel(folder, {}));
    },
  },
  "metrics.jsonl": {
    share: 15,
    make: (random) => mutateText(random, metrics, ["{", "}", '"', "null", "-1", "\n", "[", "1e999"]),
    read: (input: string) => {
      const path = join(folder, "metrics.jsonl");
      writeFileSync(path, input);
      orMistakes(() => {
        new MetricsFile(path, 3).close();
      });
    },
  },
  "checkpoints of trainings": {
    share: 19,
    make: (random) => mutateBytes(random, checkpoint),
    read: (input: Uint8Array) => {
      const read = readTrainingCheckpoint(input, "checkpoint");
      expectProblem(read);
      if (!(read instanceof Problem)) expectProblem(read.restore({ state: [] } as never));
    },
  },
  "models of ONNX": {
    share: 15,
    make: (random) => mutateBytes(random, onnxModel),
    read: (input: Uint8Array) => {
      const read = readOnnx(input, "model.onnx", () => new Problem("E700", "there is no such file"));
      expectProblem(read);
      if (!(read instanceof Problem)) expectProblem(importOnnx(read, "imported", "model.onnx"));
    },
  },
} satisfies Readonly<Record<string, Reader>>;

export type ReaderName = keyof typeof readers;
