import { writeFile } from "../../checkpoint/files.ts";
import { writeNpy } from "../../checkpoint/npy.ts";
import { openEmbedder, similarityOf, type Embedder, type Embeddings } from "../../run/texts/embedder.ts";
import { embeddingForm } from "../../run/texts/form.ts";
import { isPooling, poolings, type Pooling } from "../../run/texts/pooling.ts";
import { quote } from "../../checkpoint/problem.ts";
import { listWords, plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { writeJson, type Out } from "../out.ts";
import { orStop, stop, Stop } from "../stop.ts";
import { showTable } from "../table.ts";
import { readTexts, tellCut } from "../texts/given.ts";
import { folderArgument, openTexts, textsOptions, type TextsOptions } from "../texts/open.ts";
import { showScore, shortened } from "../texts/report.ts";
import { showNumber } from "../run/values.ts";

interface EmbedOptions extends TextsOptions {
  readonly prompt?: string;
  readonly pooling?: string;
  readonly normalize?: true;
  readonly similarity?: "matrix" | "first";
  readonly out?: string;
}

export const command: Command = {
  arguments: [folderArgument, { name: "[texts...]", description: "texts, each of which becomes a vector" }],
  options: [
    ...textsOptions("texts"),
    {
      flags: "--prompt <name>",
      description: "which of the folder's prompts stands in front of each text: query, passage …",
    },
    {
      flags: "--pooling <modes>",
      description: `instead of what the folder says: ${listWords(poolings, "or")}, or several as cls,mean`,
    },
    { flags: "--normalize", description: "vectors of length 1, also where the folder does not say so" },
    {
      flags: "--similarity <form>",
      description: "compare the texts: all with all, or all with the first, the most alike first",
      choices: ["matrix", "first"],
    },
    { flags: "--out <file.npy>", description: "save the vectors, float32 [texts, numbers]" },
  ],
  examples: [
    ['lmg embed FOLDER "A cat sits." "A dog runs."', "two vectors, as sentence-transformers makes them"],
    ["lmg embed FOLDER --file texts.txt --out vectors.npy", "a vector of each line, for NumPy"],
    ['lmg embed FOLDER "A cat sits." --adapter LORA', "with a LoRA merged into the weights"],
    [
      'lmg embed FOLDER "Who wrote it?" --file answers.txt --similarity first',
      "lines by how near they are to a text",
    ],
  ],
  run,
};

async function run([folder, ...given]: readonly string[], options: EmbedOptions, out: Out): Promise<void> {
  const pooling = parsePooling(options.pooling);
  const texts = await readTexts(given, options.file, "text", out);
  const { model, files, reader, reading } = openTexts(
    folder!,
    options,
    out,
    (opened) => orStop(embeddingForm(opened)).model,
  );
  const { normalize = false } = options;
  const embedder = orStop(await openEmbedder(model, files, { ...reader, normalize, pooling }));
  try {
    if (!embedder.form.isStated)
      out.note(
        `${folder!} has no modules.json: its vectors are the mean of all tokens; --pooling takes another\n`,
      );
    const made = orStop(await embedder.embed(texts, { ...reading, prompt: options.prompt }));
    tellCut(made.cut, embedder.reader.longest, "text", out);
    if (options.out !== undefined) save(options.out, made);
    if (options.json === true) writeJson(out, jsonOf(embedder, texts, made, options));
    else write(embedder, folder!, texts, made, options, out);
  } finally {
    embedder.close();
  }
}

function parsePooling(text: string | undefined): readonly Pooling[] | undefined {
  const names = text?.split(",").map((name) => name.trim());
  const unknown = names?.find((name) => !isPooling(name));
  if (unknown !== undefined)
    stop(
      "E844",
      `--pooling expects ${listWords(poolings, "or")}, found ${quote(unknown)}`,
      "several are joined by commas",
    );
  return names?.filter(isPooling);
}

function save(path: string, { vectors }: Embeddings): void {
  const problem = writeFile(path, writeNpy(vectors));
  if (problem !== undefined) throw new Stop([problem]);
}

/** `mean of all tokens, normalized` */
function describe({ form }: Embedder): string {
  const layers = form.layers.map((layer) =>
    layer.kind === "normalize"
      ? "normalized"
      : layer.kind === "dense"
        ? `dense to ${layer.weight.rows}`
        : "layer norm",
  );
  return [form.pooling.join(" and "), ...layers].join(", ");
}

function write(
  embedder: Embedder,
  folder: string,
  texts: readonly string[],
  made: Embeddings,
  { out: path, similarity }: EmbedOptions,
  out: Out,
): void {
  out.write(
    `${folder}: ${plural(texts.length, "vector")} of ${plural(embedder.dimensions, "number")} (${describe(embedder)}); ${embedder.reader.description}\n`,
  );
  if (path !== undefined) out.write(`wrote ${path}\n`);
  const alike = (a: number, b: number): number => similarityOf(made.vectors, embedder.form.similarity, a, b);
  if (similarity === "matrix") {
    const rows = texts.map((text, a) => [
      String(a + 1),
      shortened(text),
      ...texts.map((_, b) => showScore(alike(a, b))),
    ]);
    const columns = texts.map((_, b) => b + 2);
    out.write(
      `\n${showTable(["", embedder.form.similarity, ...texts.map((_, b) => String(b + 1))], rows, [0, ...columns])}`,
    );
  } else if (similarity === "first") {
    const rows = ranking(texts.length, alike).map(({ text, score }) => [
      showScore(score),
      String(text + 1),
      texts[text]!,
    ]);
    out.write(`\n${showTable([embedder.form.similarity, "text", ""], rows, [0, 1])}`);
  } else if (path === undefined) {
    const rows = texts.map((text, at) => [shortened(text), firstNumbers(made, at)]);
    out.write(`\n${showTable(["text", "vector"], rows)}`);
  }
}

/** The texts behind the first by how near they are to it, the nearest first. */
const ranking = (count: number, alike: (a: number, b: number) => number) =>
  Array.from({ length: count - 1 }, (_, at) => ({ text: at + 1, score: alike(0, at + 1) })).sort(
    (a, b) => b.score - a.score,
  );

/** How many numbers of a vector are shown. */
const SHOWN = 6;

function firstNumbers({ vectors: { data, shape } }: Embeddings, at: number): string {
  const width = shape[1]!;
  const first = Array.from(data.subarray(at * width, at * width + Math.min(SHOWN, width)), showNumber);
  return `${first.join(", ")}${width > SHOWN ? ", …" : ""}`;
}

function jsonOf(
  embedder: Embedder,
  texts: readonly string[],
  { vectors: { data }, tokens, cut }: Embeddings,
  { similarity, out: path }: EmbedOptions,
): object {
  const { dimensions, form } = embedder;
  const longer = new Map(cut.map((each) => [each.text, each.tokens]));
  const rows = texts.map((_, at) => Array.from(data.subarray(at * dimensions, (at + 1) * dimensions)));
  const vectors = { dtype: "f32" as const, shape: [texts.length, dimensions], data };
  const alike = (a: number, b: number): number => similarityOf(vectors, form.similarity, a, b);
  return {
    dimensions,
    pooling: form.pooling,
    engine: embedder.reader.description,
    texts: texts.map((text, at) => ({ text, tokens: tokens[at], cutFrom: longer.get(at) ?? null })),
    // Those that were written to a file are not said again.
    vectors: path === undefined ? rows : null,
    ...(similarity === "matrix"
      ? { [form.similarity]: texts.map((_, a) => texts.map((__, b) => alike(a, b))) }
      : {}),
    ...(similarity === "first" ? { ranking: ranking(texts.length, alike) } : {}),
  };
}
