import { plural } from "../../support/text.ts";
import { Problem, quote, quotePath } from "../problem.ts";
import type { Gguf } from "./tensors.ts";

/** Names of the parts of a model that is split: the part and how many there are, from 1, in five digits. */
const PART = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/s;

/** How many parts a model may have. */
const MOST_PARTS = 1000;

/** The names of all parts of the model of which this is one, the first first; itself alone if it is no part. */
export function partNames(name: string): readonly string[] {
  const [, stem, , digits] = PART.exec(name) ?? [];
  const count = Number(digits);
  if (stem === undefined || count < 1 || count > MOST_PARTS) return [name];
  return Array.from(
    { length: count },
    (_, index) => `${stem}-${String(index + 1).padStart(5, "0")}-of-${digits!}.gguf`,
  );
}

/** Whether a name is that of a part behind the first. */
export const isLaterPart = (name: string): boolean => Number(PART.exec(name)?.[2] ?? 1) > 1;

/**
 * One model of all its parts, of which the first has the metadata; parts that do not belong together, or are not all, are
 * refused.
 */
export function joinParts(parts: readonly Gguf[], names: readonly string[]): Gguf | Problem {
  const tensors = new Map<string, Gguf["tensors"] extends ReadonlyMap<string, infer T> ? T : never>();
  for (const [index, part] of parts.entries()) {
    const name = names[index]!;
    const [number, count] = [part.metadata.get("split.no") ?? 0, part.metadata.get("split.count") ?? 1];
    if (number !== index || (count !== parts.length && !(count === 0 && parts.length === 1)))
      return new Problem(
        "E736",
        `${quotePath(name)} is part ${Number(number) + 1} of ${Number(count)}, and was read as part ${index + 1} of ${parts.length}`,
        "parts are named NAME-00001-of-0000N.gguf, and lie in one folder: name the first",
      );
    for (const [tensor, value] of part.tensors) {
      if (tensors.has(tensor))
        return new Problem(
          "E736",
          `${quotePath(name)}: ${quote(tensor)} is also in another part of the model`,
        );
      tensors.set(tensor, value);
    }
  }
  const metadata = parts[0]!.metadata;
  const wanted = metadata.get("split.tensors.count");
  if (typeof wanted === "number" && wanted !== tensors.size && parts.length > 1)
    return new Problem(
      "E736",
      `${quotePath(names[0]!)}: the parts have ${plural(tensors.size, "tensor")} together, and should have ${wanted}`,
    );
  return { metadata, tensors };
}
