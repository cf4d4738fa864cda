import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/checkpoint/npy.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { inFolder, lmg, lmgReading, mistake, output } from "./harness.ts";

const goldens = resolve("test/golden/texts");
const sentences = join(goldens, "sentences");
const golden = JSON.parse(readFileSync(join(sentences, "golden.json"), "utf8")) as {
  texts: string[];
  vectors: Record<string, number[][]>;
};

inFolder({
  "texts.txt": `${golden.texts.join("\n")}\n`,
  "empty.txt": "",
  "mask.npy": writeNpy(hostTensor("bool", [2, 4], [0, 0, 1, 1, 1, 1, 1, 1])),
  "hole.npy": writeNpy(hostTensor("bool", [2, 4], [0, 0, 1, 1, 1, 0, 1, 1])),
});

/** A checkpoint of the goldens with other files, by the name `changed`. */
function changed(name: string, files: Readonly<Record<string, string | undefined>>): string {
  rmSync("changed", { recursive: true, force: true });
  cpSync(join(goldens, name), "changed", { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    if (text === undefined) rmSync(join("changed", file));
    else writeFileSync(join("changed", file), text);
  }
  return "changed";
}

const rowsOf = (path: string): number[][] => {
  const { data, shape } = orThrow(readNpy(readFileSync(path), path));
  return Array.from({ length: shape[0]! }, (_, row) =>
    Array.from(data.subarray(row * shape[1]!, (row + 1) * shape[1]!)),
  );
};

const largest = (found: number[][], expected: number[][]): number => {
  expect(found.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  return Math.max(...found.flatMap((row, at) => row.map((value, i) => Math.abs(value - expected[at]![i]!))));
};

describe("`embed`", () => {
  test("saves the vectors of a file's lines, in their order, and says which were cut", async () => {
    const { code, text, notes } = await lmg("embed", sentences, "--file", "texts.txt", "--out", "v.npy");
    expect([code, notes]).toEqual([0, "1 text cut to 20 tokens, of which the model reads no more: 4 (39)\n"]);
    expect(text).toContain("5 vectors of 6 numbers (mean, dense to 6, normalized)");
    expect(largest(rowsOf("v.npy"), golden.vectors[""]!)).toBeLessThan(1e-5);
  });

  test("puts a prompt of the folder in front, and reads standard input", async () => {
    const stdin = golden.texts.join("\r\n");
    const { code } = await lmgReading(
      stdin,
      "embed",
      sentences,
      "--file",
      "-",
      "--prompt",
      "query",
      "--out",
      "q.npy",
    );
    expect(code).toBe(0);
    expect(largest(rowsOf("q.npy"), golden.vectors["query"]!)).toBeLessThan(1e-5);
  });

  test("shows how near texts are to the first, and all to all", async () => {
    const texts = ["The cat sat.", "The cat sat on.", "Who runs?"];
    const first = await output("embed", sentences, ...texts, "--similarity", "first");
    expect(first.split("\n").slice(2)).toMatchInlineSnapshot(`
      [
        "cosine  text",
        "0.9979     2  The cat sat on.",
        "0.9789     3  Who runs?",
        "",
      ]
    `);
    const matrix = await output("embed", sentences, ...texts, "--similarity", "matrix");
    expect(matrix.split("\n").slice(2)).toMatchInlineSnapshot(`
      [
        "   cosine                1       2       3",
        "1  The cat sat.     1.0000  0.9979  0.9789",
        "2  The cat sat on.  0.9979  1.0000  0.9809",
        "3  Who runs?        0.9789  0.9809  1.0000",
        "",
      ]
    `);
  });

  test("answers with JSON", async () => {
    const answer = JSON.parse(
      await output("embed", sentences, "a", "--json", "--similarity", "matrix"),
    ) as object;
    expect(answer).toMatchObject({ dimensions: 6, pooling: ["mean"], cosine: [[1]] });
    expect(answer).toMatchObject({ texts: [{ text: "a", tokens: 3, cutFrom: null }] });
    expect((answer as { vectors: number[][] }).vectors[0]).toHaveLength(6);
  });

  test("takes the mean of a plain encoder's tokens, and says so", async () => {
    const folder = changed("sentences", { "modules.json": undefined });
    const { text, notes } = await lmg("embed", folder, "a");
    expect(notes).toBe(
      "changed has no modules.json: its vectors are the mean of all tokens; --pooling takes another\n",
    );
    expect(text).toContain("1 vector of 16 numbers (mean)");
    expect(await output("embed", folder, "a", "--pooling", "cls,max", "--normalize")).toContain(
      "1 vector of 32 numbers (cls and max, normalized)",
    );
  });

  test("tells what a folder has that it does not know, by file and member", async () => {
    const said = async (files: Record<string, string | undefined>, ...args: string[]): Promise<string> =>
      mistake("embed", changed("sentences", files), "a", ...args);
    expect(await said({ "1_Pooling/config.json": '{ "pooling_mode": "median" }' })).toMatchInlineSnapshot(
      `"error[E745]: changed/1_Pooling/config.json: expected \`pooling_mode\` to be one of cls, max, mean, mean_sqrt_len_tokens, weightedmean or lasttoken, or a list of them, found \`median\`"`,
    );
    expect(
      await said({ "2_Dense/config.json": '{ "activation_function": "mine.Squash" }' }),
    ).toMatchInlineSnapshot(
      `"error[E745]: changed/2_Dense/config.json: expected \`activation_function\` to be Identity, Tanh, Sigmoid, ReLU, GELU or SiLU of torch, found \`mine.Squash\`"`,
    );
    expect(await said({ "2_Dense/model.safetensors": undefined })).toContain("2_Dense");
    expect(await said({ "tokenizer.json": undefined })).toMatchInlineSnapshot(`
      "error[E741]: changed/tokenizer.json is not there: texts need a tokenizer
        help: \`AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)\` of transformers writes tokenizer.json"
    `);
    expect(await said({ "modules.json": '{ "0": {} }' })).toMatchInlineSnapshot(
      `"error[E703]: changed/modules.json: expected a JSON list, found an object"`,
    );
    expect(await said({ "config.json": undefined })).toMatchInlineSnapshot(`
      "error[E737]: \`changed\` is no published checkpoint: expected a folder with config.json, model.safetensors and tokenizer.json
        help: name such a folder; \`lmg run\` takes models of one's own"
    `);
    expect(await said({}, "--prompt", "answer")).toMatchInlineSnapshot(`
      "error[E745]: changed/config_sentence_transformers.json: there is no prompt \`answer\` among \`prompts\`
        help: it has \`document\`, \`passage\` and \`query\`"
    `);
    expect(await said({}, "--batch", "0")).toContain("--batch expects a whole number from 1");
    expect(await mistake("embed", sentences, "--file", "empty.txt")).toMatchInlineSnapshot(`
      "error[E843]: there is no text: empty.txt has no line
        help: give some as arguments, or a file of one a line with --file"
    `);
    const t5 = await mistake("embed", resolve(goldens, "../families/t5"), "a");
    expect(t5).toContain("E813");
    expect(await mistake("embed", join(goldens, "bert_ranks"), "a")).toContain(
      "`lmg classify` and `lmg rerank`",
    );
  });
});

describe("`classify`", () => {
  test("shows the labels of a text, the likeliest first", async () => {
    const text = await output(
      "classify",
      join(goldens, "bert_classes"),
      "The cat sat on the mat.",
      "a",
      "--top",
      "2",
    );
    expect(text.split("\n").slice(1)).toMatchInlineSnapshot(`
      [
        "",
        "text                      score  label",
        "The cat sat on the mat.  0.5880  neither",
        "                         0.2630  bad",
        "a                        0.5300  neither",
        "                         0.3474  bad",
        "",
      ]
    `);
  });

  test("reads a text behind each, and answers with JSON", async () => {
    const folder = join(goldens, "roberta_number");
    const answer = JSON.parse(
      await output("classify", folder, "a", "--pair", "Who sat on the mat?", "--json"),
    ) as object;
    expect(answer).toMatchObject({
      scoring: "identity",
      texts: [{ text: "a", labels: [{ label: "LABEL_0" }] }],
    });
  });

  test("refuses a checkpoint without a head for classes, and labels that lack one", async () => {
    expect((await mistake("classify", sentences, "a")).replace(goldens, "AT")).toMatchInlineSnapshot(`
      "error[E745]: AT/sentences/config.json: expected \`architectures\` to be a list that begins with a class that ends in \`ForSequenceClassification\`, found [\`BertModel\`]
        help: the checkpoint has no head for classes: \`lmg embed\` makes vectors of texts, \`lmg run\` runs the head that it has"
    `);
    const config = JSON.parse(readFileSync(join(goldens, "bert_classes", "config.json"), "utf8")) as object;
    const folder = changed("bert_classes", {
      "config.json": JSON.stringify({ ...config, id2label: { 0: "a", 2: "b" } }),
    });
    expect(await mistake("classify", folder, "a")).toContain("`id2label` to be labels of the ids 0 to 1");
  });
});

describe("`rerank`", () => {
  test("shows the passages that answer best first", async () => {
    const { query, passages } = JSON.parse(
      readFileSync(join(goldens, "bert_ranks", "golden.json"), "utf8"),
    ) as { query: string; passages: string[] };
    const { text } = await lmg("rerank", join(goldens, "bert_ranks"), query, ...passages, "--top", "3");
    expect(text.split("\n").slice(1)).toMatchInlineSnapshot(`
      [
        "",
        " score  passage",
        "0.5506        1  The cat sat on the mat.",
        "0.5480        3  The dog is sitting on what was the mat of the cat, all day long, and runs.",
        "0.5470        4  a",
        "",
      ]
    `);
  });

  test("refuses several labels", async () => {
    expect(await mistake("rerank", join(goldens, "bert_classes"), "a", "a")).toMatchInlineSnapshot(`
      "error[E746]: the checkpoint has 3 labels, and passages are ranked by one score
        help: \`lmg classify FOLDER TEXT --pair TEXT\` says how likely each label is"
    `);
  });
});

describe("`run` of a decoder with a mask", () => {
  const qwen2 = resolve("test/golden/families/qwen2");
  const tokens = ["--tokens", "9,9,5,6;5,6,7,8"];
  const rows = async (...args: string[]): Promise<readonly number[]> => {
    expect((await lmg("run", qwen2, ...args, "--logits", "l.npy")).code).toBe(0);
    return [...orThrow(readNpy(readFileSync("l.npy"), "l.npy")).data];
  };

  test("reads a text behind its padding as if it were alone", async () => {
    const masked = await rows(...tokens, "--input", "attention_mask=mask.npy");
    const alone = await rows("--tokens", "5,6");
    const width = alone.length / 2;
    for (const [i, value] of alone.entries()) expect(masked[2 * width + i]).toBeCloseTo(value, 5);
  });

  test("refuses padding within a text", async () => {
    expect(await mistake("run", qwen2, ...tokens, "--input", "attention_mask=hole.npy"))
      .toMatchInlineSnapshot(`
      "error[E812]: row 1 of \`attention_mask\` has padding within a text: a decoder reads a text from its first true to its last
        help: put the padding in front of the text, or behind it"
    `);
  });
});
