import { createTwoFilesPatch } from "diff";
import { writeAtomically } from "../../checkpoint/files.ts";
import { format } from "../../language/format.ts";
import { isError } from "../../support/diagnostic.ts";
import type { Source } from "../../support/source.ts";
import { plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { readModelFile } from "../source.ts";
import { stop, Stop } from "../stop.ts";

interface FmtOptions {
  readonly check?: true;
  readonly write?: true;
}

export const command: Command = {
  arguments: [{ name: "<files...>", description: "the .lmg files" }],
  options: [
    {
      flags: "--check",
      description: "write nothing; print what would change and end with 1 if anything would",
    },
    { flags: "--write", description: "replace the files" },
  ],
  examples: [
    ["lmg fmt model.lmg", "print the formatted text"],
    ["lmg fmt --write examples/*.lmg", "format files in place; each is replaced whole or not at all"],
  ],
  run(paths, { check, write }: FmtOptions, out) {
    const files = paths.map((path) => {
      const source = readModelFile(path);
      return { path, before: source.text, after: formatted(source) };
    });
    const changed = files.filter(({ before, after }) => before !== after);
    if (write === true)
      for (const { path, after } of changed) {
        const problem = writeAtomically(path, after);
        if (problem !== undefined) throw new Stop([problem]);
        out.write(`formatted ${path}\n`);
      }
    else if (check === true)
      for (const { path, before, after } of changed) out.write(patch(path, before, after));
    else for (const { after } of files) out.write(after);
    if (check === true && changed.length > 0)
      stop("E808", `${plural(changed.length, "file")} not formatted`, "`lmg fmt --write` formats them");
  },
};

function formatted(source: Source): string {
  const { text, diagnostics } = format(source);
  if (diagnostics.some(isError)) throw new Stop(diagnostics);
  return text;
}

/** A unified patch without the `Index:` head. */
const patch = (path: string, before: string, after: string): string =>
  createTwoFilesPatch(path, path, before, after, "as it is", "formatted", { context: 2 }).replace(
    /^Index:.*\n=+\n/,
    "",
  );
