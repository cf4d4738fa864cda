import { readText } from "../../checkpoint/files/read.ts";
import { places } from "../../checkpoint/places.ts";
import { parse } from "../../language/parse.ts";
import { lower } from "../../lower/lower.ts";
import { lowerOptions, modelSource, type ModelOptions } from "../source.ts";
import { orStop } from "../stop.ts";

/** A file that a `use` line named: the file where the line stands (empty: the model's), the path there, and what it found. */
export interface UsedFile {
  readonly from: string;
  readonly path: string;
  readonly name: string;
  readonly text: string;
}

/** A model with the files that it uses, as the page takes it. */
export interface PlayedModel {
  readonly text: string;
  readonly files: readonly UsedFile[];
}

/** Reads a model and what it uses; a file that is missing or refused is a mistake that the page shows. */
export function readPlayed(path: string, options: ModelOptions): PlayedModel {
  const source = modelSource(path, orStop(readText(path, places.model)));
  const files: UsedFile[] = [];
  const { resolveUse, ...others } = lowerOptions(path, options);
  lower(parse(source).file, {
    ...others,
    resolveUse: (used, from) => {
      const found = resolveUse?.(used, from);
      if (found !== undefined && "text" in found)
        files.push({
          from: from.name === path ? "" : from.name,
          path: used,
          name: found.name,
          text: found.text,
        });
      return found;
    },
  });
  return { text: source.text, files };
}
