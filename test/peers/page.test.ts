import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import type { Contender } from "../bench/cpu/engines.ts";
import { publishedBert, randomWeights } from "../bench/cpu/models.ts";
import { lmgFiles } from "../bench/cpu/page/files.ts";
import { measureFirst, measureTexts } from "../bench/cpu/page/measure.ts";
import { openTab, type Tab } from "../bench/cpu/page/tabs.ts";
import { openBrowser, type Browser } from "../browser/chromium.ts";
import { serve, type Server } from "../browser/serve.ts";

const words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "whale", "##s", "swim", "##ming", "."];
const config = {
  model_type: "bert",
  vocab_size: words.length,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 24,
  max_position_embeddings: 32,
  type_vocab_size: 2,
  hidden_act: "gelu",
};
const around = (token: string) => ({ SpecialToken: { id: token, type_id: 0 } });
const special = (token: string) => ({ id: token, ids: [words.indexOf(token)], tokens: [token] });
const tokenizer = {
  version: "1.0",
  added_tokens: [],
  normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, lowercase: true },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: {
    type: "TemplateProcessing",
    single: [around("[CLS]"), { Sequence: { id: "A", type_id: 0 } }, around("[SEP]")],
    pair: [],
    special_tokens: { "[CLS]": special("[CLS]"), "[SEP]": special("[SEP]") },
  },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(words.map((word, id) => [word, id])),
  },
};

const folder = mkdtempSync(join(tmpdir(), "lmg-bert-"));
let browser: Browser | undefined;
let server: Server | undefined;

/** A small BERT as one is published: weights under names without the model's own. */
function publish(): void {
  const write = (name: string, content: string | Uint8Array): void =>
    writeFileSync(join(folder, name), content);
  write("config.json", JSON.stringify(config));
  write("tokenizer.json", JSON.stringify(tokenizer));
  write("tokenizer_config.json", "{}");
  const { graph } = publishedBert(folder);
  const tensors = Object.entries(randomWeights(graph)).map(
    ([name, { shape, data }]) =>
      [name.replace(/^bert\./, ""), toStored(hostTensor("f32", shape, data))] as const,
  );
  write("model.safetensors", writeSafetensors(new Map(tensors)));
}

/** The mean of the hidden states of some ids, of length 1, as the interpreter has them. */
function expectedOf(ids: readonly number[]): readonly number[] {
  const { graph } = publishedBert(folder);
  const parameters = Object.fromEntries(
    Object.entries(randomWeights(graph)).map(([name, { shape, data }]) => [
      name,
      hostTensor("f32", shape, data),
    ]),
  );
  const inputs = { input_ids: hostTensor("i32", [1, ids.length], ids) };
  const { hidden_states: states } = interpret(graph, { inputs, parameters });
  const width = config.hidden_size;
  const sums = Array.from({ length: width }, (_, column) =>
    ids.reduce((sum, _, row) => sum + states!.data[row * width + column]!, 0),
  );
  return sums.map((each) => each / Math.hypot(...sums));
}

beforeAll(async () => {
  publish();
  browser = await openBrowser();
  server = await serve(await lmgFiles(folder), { maxAge: 60 });
});

afterAll(async () => {
  await browser?.close();
  server?.close();
  rmSync(folder, { recursive: true });
});

test.each([1, 2])(
  "the bench's page embeds a text as the interpreter does, in %d threads",
  async (threads) => {
    if (browser === undefined) return;
    const tab = await openTab(browser.context, server!.url, { name: "lmg", threads });
    const elements = await tab.embed("The Whales swimming.");
    await tab.close();
    const expected = expectedOf([2, 4, 5, 6, 7, 8, 9, 3]);
    expect(elements).toHaveLength(expected.length);
    // Float32 rounds to 6e-8, and elements are at most 1.
    elements.forEach((each, at) => expect(Math.abs(each - expected[at]!)).toBeLessThan(1e-6));
  },
);

test("pages are measured in turns, and each is held against the first", async () => {
  if (browser === undefined) return;
  const { context } = browser;
  const contenders = [1, 2].map((threads) => ({ name: "lmg", threads }));
  const first = await measureFirst(context, server!.url, contenders, { rounds: 2 });
  const tabs = new Map<Contender, Tab>();
  for (const contender of contenders) tabs.set(contender, await openTab(context, server!.url, contender));
  const texts = await measureTexts(["The whale.", "Swim, the whale!"], tabs, { rounds: 3, ms: 1 });
  for (const { close } of tabs.values()) await close();
  expect(first.map(({ engine, difference }) => [engine, difference])).toEqual(
    contenders.map((each) => [each, 0]),
  );
  expect(texts.map(({ engine, difference }) => [engine, difference])).toEqual(
    contenders.map((each) => [each, 0]),
  );
  for (const { times } of [...first, ...texts]) expect(times.every(({ ms }) => ms > 0)).toBe(true);
  expect([...first, ...texts].map(({ times }) => times.length)).toEqual([2, 2, 3, 3]);
});
