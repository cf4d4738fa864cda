import { writeFile } from "../../checkpoint/files.ts";
import { readBytes } from "../../checkpoint/files/read.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { places } from "../../checkpoint/places.ts";
import { quotePath } from "../../checkpoint/problem.ts";
import { caseName } from "../../report/probed.ts";
import type { Probed, ProbedCase } from "../../run/probe/probed.ts";
import { orStop, stop, Stop } from "../stop.ts";

/** Where a study keeps what it found so far, beside its report: `study.json` of `study.html`. */
export const keptPath = (out: string): string => out.replace(/\.[^./\\]*$/, ".json");

/** The numbers of a probe as JSON; what is not finite is null. */
export const probedJson = (probed: Probed, identities: readonly string[] = []): string =>
  `${JSON.stringify({ format: FORMAT, ...probed, ...(identities.length > 0 && { identities }) }, null, 1)}\n`;

const FORMAT = "lmg probe 3";

/** Cases that were finished, by what decides their numbers. */
export type Finished = ReadonlyMap<string, ProbedCase>;

interface KeptFile {
  readonly format: typeof FORMAT;
  readonly cases: readonly ProbedCase[];
  readonly identities: readonly string[];
}

/**
 * The cases that an interrupted study had finished. A file with a case that is not `wanted` ends the command: it is of
 * another study, and would be lost.
 */
export function readFinished(path: string, wanted: ReadonlySet<string>): Finished {
  if (kindOfPath(path) === undefined) return new Map();
  const file = parseKept(new TextDecoder().decode(orStop(readBytes(path, places.text))));
  const other = file?.cases.find((_, index) => !wanted.has(file.identities[index]!));
  if (file === undefined || other !== undefined)
    return stop(
      "E865",
      file === undefined || other === undefined
        ? `${quotePath(path)} is not the numbers of a study`
        : `${quotePath(path)} holds the numbers of another study: ${caseName(other) || "its case"} was not made by this model, these settings and this data`,
      "name another file with -o, or remove this one",
    );
  return new Map(file.cases.map((found, index) => [file.identities[index]!, found]));
}

/** Undefined if the text is anything else. */
function parseKept(text: string): KeptFile | undefined {
  try {
    const file = JSON.parse(text, (_, value: unknown) => (value === null ? NaN : value)) as Partial<KeptFile>;
    const { format, cases, identities } = file;
    const isKept = format === FORMAT && Array.isArray(cases) && identities?.length === cases.length;
    return isKept ? (file as KeptFile) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a file whole or not at all; what prevents it ends the command. */
export function writeOutput(path: string, text: string): void {
  const problem = writeFile(path, text);
  if (problem !== undefined) throw new Stop([problem]);
}
