import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { orThrow } from "../../../src/checkpoint/problem.ts";
import { hostTensor, type HostTensor } from "../../../src/tensor/host.ts";
import { output } from "../../cli/harness.ts";
import { engineOf, folderOf } from "../../families/alone.ts";

/*
 * Folders of `lmg compile --target onnx --generate` of models with an encoder and a decoder, read by transformers.js itself: what
 * it writes greedily is what the whole model writes in float64. The library is no package of lmg, but of the bench.
 *
 *     npm install --prefix test/bench/cpu
 *     npx tsx test/export/onnx/transformers-js.ts
 */

/** As much of transformers.js as is used here. */
interface Library {
  readonly env: { allowRemoteModels: boolean; localModelPath: string };
  readonly Tensor: new (type: string, data: BigInt64Array, dims: readonly number[]) => unknown;
  readonly AutoModelForSeq2SeqLM: { readonly from_pretrained: (name: string) => Promise<Writer> };
}

interface Writer {
  readonly generate: (options: object) => Promise<{ readonly tolist: () => readonly (readonly bigint[])[] }>;
  readonly dispose: () => Promise<unknown>;
}

const bench = createRequire(join(import.meta.dirname, "../../bench/cpu/package.json"));
const { env, Tensor, AutoModelForSeq2SeqLM } = (await import(
  pathToFileURL(bench.resolve("@huggingface/transformers")).href
)) as Library;

/** Pegasus is no family of transformers.js 4.3.2. */
const families = ["t5", "t5_gated", "mt5", "bart", "marian", "mbart"];

/** Two texts, of which the second has two positions of padding behind it. */
const source = [
  [5, 9, 2, 7, 1],
  [3, 8, 4, 0, 0],
];
const mask = source.map((row, b) => row.map((_, at) => (b === 1 && at > 2 ? 0 : 1)));

const COUNT = 16;
const START = 0;

/** The folder of a golden with a tokenizer, which such a folder must have and this test does not ask. */
function published(name: string, root: string): string {
  const folder = join(root, "published", name);
  mkdirSync(folder, { recursive: true });
  for (const file of ["config.json", "model.safetensors"])
    copyFileSync(join(folderOf(name), file), join(folder, file));
  const { vocab_size: size } = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as {
    vocab_size: number;
  };
  const vocab = Object.fromEntries(Array.from({ length: size }, (_, id) => [`<${id}>`, id]));
  const model = { type: "WordLevel", vocab, unk_token: "<0>" };
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify({ version: "1.0", added_tokens: [], model }));
  return folder;
}

async function byLibrary(name: string): Promise<readonly (readonly number[])[]> {
  const model = await AutoModelForSeq2SeqLM.from_pretrained(name);
  const tensor = (rows: readonly (readonly number[])[]) =>
    new Tensor("int64", BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]!.length]);
  const written = await model.generate({
    inputs: tensor(source),
    attention_mask: tensor(mask),
    decoder_start_token_id: START,
    // No token of the vocabulary: texts end at their length.
    eos_token_id: 1_000_000,
    forced_eos_token_id: null,
    forced_bos_token_id: null,
    max_new_tokens: COUNT,
    do_sample: false,
  });
  await model.dispose();
  return written.tolist().map((row) => row.map(Number));
}

async function byInterpreter(name: string): Promise<readonly (readonly number[])[]> {
  const engine = await engineOf(name, "interpreter");
  const texts = source.map(() => [START]);
  const tensor = (dtype: "i32" | "bool", rows: readonly (readonly number[])[]): HostTensor =>
    hostTensor(dtype, [rows.length, rows[0]!.length], rows.flat());
  for (let count = 0; count < COUNT; count++) {
    const given = { input_ids: tensor("i32", source), attention_mask: tensor("bool", mask) };
    const inputs = new Map(Object.entries({ ...given, decoder_input_ids: tensor("i32", texts) }));
    const { shape, data } = orThrow(await engine.run(inputs)).get("logits")!;
    const width = shape[2]!;
    for (const [b, text] of texts.entries()) {
      const end = (b + 1) * (count + 1) * width;
      const row = data.subarray(end - width, end);
      text.push(row.indexOf(Math.max(...row)));
    }
  }
  engine.close();
  return texts;
}

const root = mkdtempSync(join(tmpdir(), "lmg-transformers-js-"));
env.allowRemoteModels = false;
env.localModelPath = root;
let isSame = true;
for (const name of families) {
  const to = join(root, name);
  await output("compile", published(name, root), "--target", "onnx", "--generate", "-o", to);
  const [found, expected] = [await byLibrary(name), await byInterpreter(name)];
  const isOne = JSON.stringify(found) === JSON.stringify(expected);
  isSame &&= isOne;
  console.log(`${name}: ${isOne ? "the same" : "NOT the same"}: ${JSON.stringify(found)}`);
  if (!isOne) console.log(`  the whole model: ${JSON.stringify(expected)}`);
}
rmSync(root, { recursive: true });
process.exitCode = isSame ? 0 : 1;
