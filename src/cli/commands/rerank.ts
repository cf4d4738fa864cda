import { openClassifier } from "../../run/texts/classifier.ts";
import { plural } from "../../support/text.ts";
import { parseNumber } from "../arguments.ts";
import type { Command } from "../command.ts";
import { writeJson, type Out } from "../out.ts";
import { orStop } from "../stop.ts";
import { showTable } from "../table.ts";
import { readTexts, tellCut } from "../texts/given.ts";
import { folderArgument, openTexts, textsOptions, type TextsOptions } from "../texts/open.ts";
import { showScore } from "../texts/report.ts";

interface RerankOptions extends TextsOptions {
  readonly top?: string;
}

export const command: Command = {
  arguments: [
    folderArgument,
    { name: "<query>", description: "what is asked" },
    { name: "[passages...]", description: "texts that may answer it" },
  ],
  options: [
    ...textsOptions("passages"),
    { flags: "--top <count>", description: "how many of the best to print; all if not given" },
  ],
  examples: [
    ['lmg rerank FOLDER "How tall is it?" "It is 20 m tall." "It is old."', "the better answer first"],
    ['lmg rerank FOLDER "How tall is it?" --file passages.txt --top 3', "the three best of a file"],
  ],
  run,
};

async function run(
  [folder, query, ...given]: readonly string[],
  options: RerankOptions,
  out: Out,
): Promise<void> {
  const passages = await readTexts(given, options.file, "passage", out);
  const top =
    options.top === undefined ? Infinity : orStop(parseNumber("--top", options.top, 1, 1_000_000, true));
  const { model, files, reader, reading } = openTexts(folder!, options, out);
  const classifier = orStop(await openClassifier(model, files, reader));
  try {
    const { ranked, cut } = orStop(await classifier.rank(query!, passages, reading));
    tellCut(cut, classifier.reader.longest, "passage", out);
    const best = ranked.slice(0, top);
    const { form, reader: opened } = classifier;
    if (options.json === true) {
      const named = best.map((each) => ({ ...each, text: passages[each.passage] }));
      writeJson(out, { query, scoring: form.ranking, engine: opened.description, ranked: named });
      return;
    }
    out.write(
      `${folder!}: ${plural(passages.length, "passage")} by ${form.ranking}; ${opened.description}\n\n`,
    );
    const rows = best.map(({ passage, score }) => [
      showScore(score),
      String(passage + 1),
      passages[passage]!,
    ]);
    out.write(showTable(["score", "passage", ""], rows, [0, 1]));
  } finally {
    classifier.close();
  }
}
