import { openClassifier, type Classified, type Classifier } from "../../run/texts/classifier.ts";
import { plural } from "../../support/text.ts";
import { parseNumber } from "../arguments.ts";
import type { Command } from "../command.ts";
import { writeJson, type Out } from "../out.ts";
import { orStop } from "../stop.ts";
import { showTable } from "../table.ts";
import { readTexts, tellCut } from "../texts/given.ts";
import { folderArgument, openTexts, textsOptions, type TextsOptions } from "../texts/open.ts";
import { shortened, showScore } from "../texts/report.ts";

interface ClassifyOptions extends TextsOptions {
  readonly pair?: string;
  readonly top?: string;
}

export const command: Command = {
  arguments: [folderArgument, { name: "[texts...]", description: "texts, each of which gets scores" }],
  options: [
    ...textsOptions("texts"),
    { flags: "--pair <text>", description: "read behind each text, as its second: what may follow from it" },
    { flags: "--top <count>", description: "how many of the likeliest labels to print; all if not given" },
  ],
  examples: [
    ['lmg classify FOLDER "What a film!"', "how likely each label is, the likeliest first"],
    ["lmg classify FOLDER --file reviews.txt --top 1", "the likeliest label of each line"],
    ['lmg classify FOLDER "A man sleeps." --pair "He is awake."', "whether one follows from the other"],
  ],
  run,
};

async function run([folder, ...given]: readonly string[], options: ClassifyOptions, out: Out): Promise<void> {
  const texts = await readTexts(given, options.file, "text", out);
  const top =
    options.top === undefined ? Infinity : orStop(parseNumber("--top", options.top, 1, 1_000_000, true));
  const { model, files, reader, reading } = openTexts(folder!, options, out);
  const classifier = orStop(await openClassifier(model, files, reader));
  try {
    const { pair } = options;
    const read = texts.map((text) => (pair === undefined ? ([text] as const) : ([text, pair] as const)));
    const found = orStop(await classifier.classify(read, reading));
    tellCut(found.cut, classifier.reader.longest, "text", out);
    const labels = found.scores.map((_, text) => labelsOf(classifier, found, text).slice(0, top));
    if (options.json === true)
      writeJson(out, {
        scoring: classifier.form.scoring,
        engine: classifier.reader.description,
        texts: texts.map((text, at) => ({ text, tokens: found.tokens[at], labels: labels[at] })),
      });
    else write(classifier, folder!, texts, labels, out);
  } finally {
    classifier.close();
  }
}

interface LabelScore {
  readonly label: string;
  readonly score: number;
  readonly logit: number;
}

/** The labels of a text, the likeliest first; those that are equal in their own order. */
const labelsOf = (
  { form }: Classifier,
  { logits, scores }: Classified,
  text: number,
): readonly LabelScore[] =>
  form.labels
    .map((label, id) => ({ label, score: scores[text]![id]!, logit: logits[text]![id]! }))
    .sort((a, b) => b.logit - a.logit);

/** What scores of a kind say, for people. */
const scorings = {
  softmax: "one label a text: scores add up to 1",
  sigmoid: "each label by itself",
  identity: "numbers, not chances",
} as const;

function write(
  { form, reader }: Classifier,
  folder: string,
  texts: readonly string[],
  labels: readonly (readonly LabelScore[])[],
  out: Out,
): void {
  out.write(
    `${folder}: ${plural(form.labels.length, "label")} (${scorings[form.scoring]}); ${reader.description}\n\n`,
  );
  const rows = texts.flatMap((text, at) =>
    labels[at]!.map(({ label, score }, rank) => [rank === 0 ? shortened(text) : "", showScore(score), label]),
  );
  out.write(showTable(["text", "score", "label"], rows, [1]));
}
