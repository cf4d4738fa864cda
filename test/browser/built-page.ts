import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

interface Builder {
  readonly buildPlayground: (folder: string, mode: "one-file" | "folder") => Promise<void>;
}

/** Builds the page into a folder: as one file, its index.html, or as a folder to serve. */
export const buildPage: Builder["buildPlayground"] = async (folder, mode) => {
  const { buildPlayground } = (await import(
    new URL("../../scripts/playground.mjs", import.meta.url).href
  )) as Builder;
  await buildPlayground(folder, mode);
};

/** The files of a folder and of those in it as a server takes them, by their paths from there behind a prefix. */
export const filesIn = (root: string, prefix = ""): ReadonlyMap<string, Uint8Array> =>
  new Map(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [`${prefix}${relative(root, path)}`, readFileSync(path)];
      }),
  );
