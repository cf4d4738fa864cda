import { diagnosticRecord, type DiagnosticRecord } from "../../support/record.ts";
import { showDiagnostic, type Diagnostic } from "../../support/diagnostic.ts";
import { append } from "../../support/lists.ts";
import { showPlace } from "../../support/source.ts";
import { checkPlace, type Checked } from "../check/checked.ts";
import { mendPlace } from "../check/mend.ts";
import { showChecked, showTotal } from "../check/text.ts";
import type { Command } from "../command.ts";
import { writeJson, type Out } from "../out.ts";
import { modelsArgument, placesOf, stdinOption, type StdinOptions } from "../places.ts";
import { modelOptions, passOptions, STDIN, type ModelOptions } from "../source.ts";
import { showDiagnostics, stop, Stop } from "../stop.ts";

type Format = "text" | "json" | "sarif" | "github";

interface CheckOptions extends ModelOptions, StdinOptions {
  readonly format: Format;
  readonly json?: true;
  readonly fix?: true;
}

export const command: Command = {
  arguments: [modelsArgument],
  options: [
    ...modelOptions,
    {
      flags: "--format <format>",
      description:
        "how mistakes and warnings are written: json and sarif for programs, github for its annotations",
      choices: ["text", "json", "sarif", "github"],
      default: "text",
    },
    { flags: "--json", description: "the same as --format json" },
    {
      flags: "--fix",
      description: "replace the files by what mends their mistakes, where that is known, and check them then",
    },
    stdinOption,
    ...passOptions.filter(({ flags }) => flags === "--check-passes"),
  ],
  examples: [
    ["lmg check model.lmg", "all mistakes and warnings at once, and a line that says what the model is"],
    ["lmg check models/", "every .lmg file of a folder"],
    ["lmg check models/ --format sarif > lmg.sarif", "for a code host or an editor"],
    ["lmg check model.lmg --fix", "make the fixes of its mistakes, and say which"],
    ["lmg check model.lmg --set placement=post --set depth=2", "with other parameters"],
    ["lmg check - --stdin-name model.lmg < model.lmg", "a text that is in no file yet"],
  ],
  async run(args, asked: CheckOptions, out) {
    const { places, several } = placesOf(args);
    const write = writers[asked.json === true ? "json" : asked.format];
    if (asked.fix === true && places.some(({ path }) => path === STDIN))
      stop("E826", "--fix replaces files, and standard input is none", "without --fix, mistakes are told");
    const firstTime = new Repeats();
    const all: Checked[] = [];
    const mended: Diagnostic[] = [];
    for (const { path } of places) {
      if (asked.fix === true) {
        const found = await mendPlace(path, asked, out);
        write.mended?.(found, out);
        append(mended, found);
      }
      const checked = firstTime.of(await checkPlace(path, asked, out));
      all.push(checked);
      write.each?.(checked, out);
    }
    await write.end?.(all, { several, mended }, out);
    if (all.some(({ failed }) => failed)) throw new Stop([]);
  },
};

/** What is wrong with a file that several others use is told once. */
class Repeats {
  readonly #seen = new Set<string>();

  of(checked: Checked): Checked {
    const diagnostics = checked.diagnostics.filter((diagnostic) => {
      const text = showDiagnostic(diagnostic);
      return diagnostic.labels.length === 0 || (!this.#seen.has(text) && this.#seen.add(text));
    });
    return { ...checked, diagnostics };
  }
}

/** A way to tell what was found: of each file when it is known, or of all. */
interface Writer {
  readonly each?: (checked: Checked, out: Out) => void;
  readonly mended?: (mended: readonly Diagnostic[], out: Out) => void;
  readonly end?: (all: readonly Checked[], whole: Whole, out: Out) => void | Promise<void>;
}

/** What is known when all files are checked. */
interface Whole {
  readonly several: boolean;
  readonly mended: readonly Diagnostic[];
}

const writers: { readonly [F in Format]: Writer } = {
  text: {
    mended: (mended, out) => {
      for (const one of mended) out.write(showMended(one));
    },
    each: (checked, out) => {
      showDiagnostics(checked.diagnostics, out);
      out.write(showChecked(checked));
    },
    end: (all, { several }, out) => {
      if (several) out.write(showTotal(all));
    },
  },
  json: {
    end: (all, { mended }, out) => {
      const models = all.flatMap(({ path, models: found }) => found.map((model) => ({ path, ...model })));
      const records = mended.map((one) => diagnosticRecord(one, one.labels[0]!.span.source.name));
      writeJson(out, { models, diagnostics: recordsOf(all), mended: records });
    },
  },
  sarif: {
    end: async (all, _, out) => {
      const [{ sarifLog }, { version }] = await Promise.all([
        import("../check/sarif.ts"),
        import("../version.ts"),
      ]);
      writeJson(out, sarifLog(recordsOf(all), version()));
    },
  },
  github: {
    end: async (all, _, out) => {
      const { showGithub } = await import("../check/github.ts");
      out.write(showGithub(recordsOf(all)));
    },
  },
};

/** `mended model.lmg:3:7: error[E161]: …`, in the places of the text as it was then. */
const showMended = ({ severity, code, message, labels }: Diagnostic): string =>
  `mended ${labels.length === 0 ? "" : `${showPlace(labels[0]!.span)}: `}${severity}[${code}]: ${message}\n`;

const recordsOf = (all: readonly Checked[]): readonly DiagnosticRecord[] =>
  all.flatMap(({ path, diagnostics }) => diagnostics.map((one) => diagnosticRecord(one, path)));
