import { readdirSync, type Dirent } from "node:fs";
import { join } from "node:path";
import { fileProblem, kindOfPath } from "../checkpoint/files/system.ts";
import { decodeUtf8 } from "../checkpoint/json.ts";
import { places as filePlaces } from "../checkpoint/places.ts";
import { quotePath } from "../checkpoint/problem.ts";
import { showBytes } from "../support/text.ts";
import type { Source } from "../support/source.ts";
import type { OptionSpec } from "./command.ts";
import type { Out } from "./out.ts";
import { RUN_FILE, STDIN_NAME } from "./project.ts";
import { isPublishedFolder } from "./run/published.ts";
import { withTrainedModel } from "./run/trained.ts";
import { modelSource, readModelFile, STDIN, type ModelOptions } from "./source.ts";
import { orStop, stop, Stop } from "./stop.ts";

export interface StdinOptions {
  readonly stdinName?: string;
}

export const stdinOption: OptionSpec = {
  flags: "--stdin-name <path>",
  description: "the path of the model that `-` reads: messages name it, `use` lines begin beside it",
};

/** For commands that look at models. */
export const modelsArgument = {
  name: "<models...>",
  description:
    "files, folders with .lmg files at any depth, folders that lmg train wrote, published checkpoints, or - for standard input",
};

/** Where a model's text is: a file, a folder of `lmg train`, or `-`. */
export interface ModelPlace {
  readonly path: string;
  /** It was found in a folder that was named. */
  readonly found: boolean;
}

export interface Places {
  readonly places: readonly ModelPlace[];
  /** True if more than one may be meant, by the arguments alone: several, or a folder. */
  readonly several: boolean;
}

/** The places that arguments name, each once; folders in the order of their names. */
export function placesOf(args: readonly string[]): Places {
  const folders = args.map(
    (path) => path !== STDIN && kindOfPath(path) === "folder" && !isRun(path) && !isCheckpoint(path),
  );
  const places = new Map<string, ModelPlace>();
  const add = (path: string, found: boolean): void => {
    if (!places.has(path)) places.set(path, { path, found });
  };
  args.forEach((path, index) => {
    if (folders[index] === true) for (const file of modelsIn(path)) add(file, true);
    else add(path, false);
  });
  return { places: [...places.values()], several: args.length > 1 || folders.includes(true) };
}

const isRun = (folder: string): boolean => kindOfPath(join(folder, RUN_FILE)) === "file";

/** A published checkpoint stands for the model of its family, but for one in which models lie. */
const isCheckpoint = (folder: string): boolean => isPublishedFolder(folder) && walk(folder).length === 0;

function modelsIn(folder: string): readonly string[] {
  const found = walk(folder);
  if (found.length === 0)
    stop(
      "E823",
      `${quotePath(folder)} has no .lmg file`,
      "folders called node_modules, and those whose name begins with a dot, are left out",
    );
  return found;
}

/** The .lmg files of a folder at any depth, but for those of runs. Throws `Stop` for a folder that cannot be read. */
export const modelFilesIn = (folder: string): readonly string[] =>
  walk(folder).filter((path) => path.endsWith(".lmg"));

/** Links to folders are not followed: they may lead back. */
function walk(folder: string): readonly string[] {
  return entriesOf(folder).flatMap((entry): readonly string[] => {
    const path = join(folder, entry.name);
    if (entry.name.startsWith(".") || entry.name === "node_modules") return [];
    if (entry.isDirectory()) return isRun(path) ? [path] : walk(path);
    const isFile = entry.isFile() || (entry.isSymbolicLink() && kindOfPath(path) === "file");
    return isFile && entry.name.endsWith(".lmg") ? [path] : [];
  });
}

/** In the order of their names, the same on every machine. */
function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new Stop([fileProblem("read", folder, error)]);
  }
}

/** The text at a place, and the options with which it is read: a run brings its parameters. */
export async function openPlace<Options extends ModelOptions & StdinOptions>(
  place: string,
  asked: Options,
  out: Out,
): Promise<{ readonly source: Source; readonly options: Options }> {
  const { model, options } = withTrainedModel(place, asked);
  return { source: await readSource(model, options, out), options };
}

/** The text of a file, or of standard input; a model of lmg's own is read already. */
export async function readSource(model: string | Source, options: StdinOptions, out: Out): Promise<Source> {
  if (typeof model !== "string") return model;
  return model === STDIN ? readStdin(options, out) : readModelFile(model);
}

async function readStdin({ stdinName = STDIN_NAME }: StdinOptions, out: Out): Promise<Source> {
  const { what, bytes: most } = filePlaces.model;
  const bytes = await out.input(most);
  if (bytes.length > most)
    stop("E824", `standard input has more than ${showBytes(most)}, and ${what} has at most that`);
  return modelSource(stdinName, orStop(decodeUtf8(bytes, stdinName)));
}
