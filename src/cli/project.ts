import { existsSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** The file of a folder of `lmg train` that says what was trained there. */
export const RUN_FILE = "run.json";

/** The name of a model that comes from standard input, if none is given. */
export const STDIN_NAME = "<stdin>";

/** What shows that all that lies in a folder belongs together. */
const markers: readonly string[] = [".git", ".hg", "package.json", "pyproject.toml", RUN_FILE];

/**
 * The folder whose files a model may name, links followed: the nearest one at or above its own that has a marker, but the
 * root of the file system; else its own. For a text of standard input it is the current folder.
 */
export function projectOf(model: string): string {
  const own = realPath(dirname(model));
  if (model === STDIN_NAME) return own;
  for (let folder = own; dirname(folder) !== folder; folder = dirname(folder))
    if (markers.some((name) => existsSync(join(folder, name)))) return folder;
  return own;
}

/** The path that a text names, which begins beside the file with the text. */
export const besides = (file: string, path: string): string =>
  isAbsolute(path) ? path : join(dirname(file), path);

/**
 * A path with its links followed as far as there is something: what is not there is also somewhere, and where a link leads
 * that has no file is not where it stands.
 */
export function realPath(path: string, links = MOST_LINKS): string {
  try {
    return realpathSync(path);
  } catch {
    const folder = dirname(path);
    if (folder === path) return path;
    const place = join(realPath(folder, links), basename(path));
    const target = links === 0 ? undefined : targetOf(place);
    return target === undefined ? place : realPath(resolve(dirname(place), target), links - 1);
  }
}

/** As many links as Linux follows; more lead in a circle. */
const MOST_LINKS = 40;

/** What a link says; undefined for all else. */
function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Whether a path lies in a folder; both have no links. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** The rest of a message about a path that a model names, and its help. */
export const leadsOut = (
  path: string,
  project: string,
): { readonly message: string; readonly help: string } => ({
  message: `"${path}" leads out of the project of the model, ${project}`,
  help: "keep the file in that folder; if you trust the model, --allow-outside lets it name files anywhere",
});
