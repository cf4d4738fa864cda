import { isAbsolute, join, resolve } from "node:path";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { isJsonObject, ownValue, type JsonObject } from "../../checkpoint/json.ts";
import { quotePath } from "../../checkpoint/problem.ts";
import { readIfThere } from "../run/tokenizer-files.ts";
import { RUN_FILE } from "../project.ts";
import { stop } from "../stop.ts";
import { givenOptions, type GivenOption } from "./command-line.ts";
import { DEFAULT_TOKENIZER, type TrainOptions } from "./options.ts";
import type { ReadTraining } from "./prepare.ts";

/** What run.json has of the line that began a run, for `lmg train RUN`. */
export interface Recorded {
  /** Where the line was typed: its paths are relative to that. */
  readonly at: string;
  /** The options that were given. */
  readonly options: Readonly<Record<string, GivenOption>>;
}

/** The options of a training as run.json keeps them: the data by the files that were read, also where the model names them. */
export function recordOf({ data }: ReadTraining, options: TrainOptions): Recorded {
  const files = data.map(({ feeds, name }) => (feeds === undefined ? name : `${feeds}=${name}`));
  const given = Object.entries(givenOptions(options)).filter(([name]) => name !== "out");
  return { at: process.cwd(), options: { ...Object.fromEntries(given), data: files } };
}

/** A folder that holds a run stands for the line that began it; what is said beside counts over what was said then. */
export function asBegun(
  path: string,
  options: TrainOptions,
): { readonly path: string; readonly options: TrainOptions } {
  if (kindOfPath(path) !== "folder") return { path, options };
  const file = readIfThere(join(path, RUN_FILE));
  if (file === undefined)
    return stop(
      "E700",
      `${quotePath(path)} is a folder without ${RUN_FILE}: it holds no run to go on with`,
      "name a .lmg file, or a folder that `lmg train` wrote",
    );
  const [model, again] = [ownValue(file, "path"), ownValue(file, "again")];
  const recorded = isJsonObject(again) ? readRecorded(again) : undefined;
  if (typeof model !== "string" || recorded === undefined)
    return stop(
      "E853",
      `${quotePath(join(path, RUN_FILE))} does not say how the run was begun`,
      "give the line that began it; `command` in that file may have it",
    );
  const { out = path } = options;
  return {
    path: join(path, model),
    options: { ...options, ...withoutLength(fromHere(recorded), options), ...givenOptions(options), out },
  };
}

/** A length that is said now counts, in whichever unit. */
function withoutLength(recorded: Recorded["options"], { steps, epochs }: TrainOptions): Recorded["options"] {
  if (steps === undefined && epochs === undefined) return recorded;
  return Object.fromEntries(Object.entries(recorded).filter(([name]) => !["steps", "epochs"].includes(name)));
}

/** What a file has of the line; undefined if it is anything else. */
export function readRecorded(file: JsonObject): Recorded | undefined {
  const [at, options] = [ownValue(file, "at"), ownValue(file, "options")];
  if (typeof at !== "string" || !isJsonObject(options)) return undefined;
  const areGiven = Object.values(options).every(
    (value) =>
      value === true ||
      typeof value === "string" ||
      (Array.isArray(value) && value.every((each) => typeof each === "string")),
  );
  return areGiven ? { at, options: options as Recorded["options"] } : undefined;
}

/** The options with their paths as they are from here. */
export function fromHere({ at, options }: Recorded): Recorded["options"] {
  if (resolve(at) === process.cwd()) return options;
  const pathOf = (path: string): string => (isAbsolute(path) ? path : join(at, path));
  const named = (argument: string): string => {
    const [, name = "", path = argument] = /^([A-Za-z_]\w*=)(.+)$/s.exec(argument) ?? [];
    return `${name}${pathOf(path)}`;
  };
  const changed: Record<string, (value: string) => string> = {
    data: named,
    validation: (value) => (Number.isFinite(Number(value)) ? value : named(value)),
    tokenizer: (value) => (value === DEFAULT_TOKENIZER || /^bpe:/.test(value) ? value : pathOf(value)),
    weights: pathOf,
    config: pathOf,
  };
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      const change = changed[name];
      if (change === undefined || value === true) return [name, value];
      return [name, typeof value === "string" ? change(value) : value.map(change)];
    }),
  );
}
