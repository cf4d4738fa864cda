import { createTwoFilesPatch } from "diff";
import { writeFile } from "../../checkpoint/files.ts";
import { format } from "../../language/format.ts";
import { isError } from "../../support/diagnostic.ts";
import { plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import type { Out } from "../out.ts";
import { modelsArgument, placesOf, readSource, stdinOption, type StdinOptions } from "../places.ts";
import { STDIN } from "../source.ts";
import { mistakesIn, showDiagnostics, stop, Stop } from "../stop.ts";

interface FmtOptions extends StdinOptions {
  readonly check?: true;
  readonly write?: true;
}

export const command: Command = {
  arguments: [modelsArgument],
  options: [
    {
      flags: "--check",
      description: "write nothing; print what would change and end with 1 if anything would",
    },
    { flags: "--write", description: "replace the files" },
    stdinOption,
  ],
  examples: [
    ["lmg fmt model.lmg", "print the formatted text"],
    ["lmg fmt --write examples/", "format files in place; each is replaced whole or not at all"],
    ["lmg fmt - < model.lmg", "format what comes from standard input"],
  ],
  async run(args, options: FmtOptions, out) {
    const paths = placesOf(args).places.map(({ path }) => path);
    if (options.write === true && paths.includes(STDIN))
      stop(
        "E826",
        "--write replaces files, and standard input is none",
        "without --write, the text is printed",
      );
    let unformatted = 0;
    let failed = false;
    for (const path of paths)
      try {
        if (await formatFile(path, options, out)) unformatted++;
      } catch (error) {
        const mistakes = mistakesIn(error);
        if (mistakes === undefined) throw error;
        showDiagnostics(mistakes, out);
        failed = true;
      }
    if (unformatted > 0)
      stop("E808", `${plural(unformatted, "file")} not formatted`, "`lmg fmt --write` formats them");
    if (failed) throw new Stop([]);
  },
};

/** Formats one file; true if it is not as it should be, and only that was asked. */
async function formatFile(path: string, options: FmtOptions, out: Out): Promise<boolean> {
  const source = await readSource(path, options, out);
  const { text, diagnostics } = format(source);
  if (diagnostics.some(isError)) throw new Stop(diagnostics);
  if (options.check === true && text !== source.text) out.write(patch(source.name, source.text, text));
  if (options.check === true) return text !== source.text;
  if (options.write !== true) out.write(text);
  else if (text !== source.text) {
    const problem = writeFile(path, text);
    if (problem !== undefined) throw new Stop([problem]);
    out.write(`formatted ${path}\n`);
  }
  return false;
}

/** A unified patch without the `Index:` head. */
const patch = (path: string, before: string, after: string): string =>
  createTwoFilesPatch(path, path, before, after, "as it is", "formatted", { context: 2 }).replace(
    /^Index:.*\n=+\n/,
    "",
  );
