import { partRanges } from "./ranges.ts";
import { andThen, type ReadElements, type Soon } from "./soon.ts";

/** The elements of parts of `size` elements that lie one behind the other. */
export const readStacked =
  (parts: readonly ReadElements[], size: number): ReadElements =>
  (kind, first, end) => {
    const ranges = partRanges(size, first, end);
    const [only] = ranges;
    if (ranges.length === 1) return parts[only!.part]!(kind, only!.first, only!.end);
    const all = kind === "f32" ? new Float32Array(end - first) : new Int32Array(end - first);
    // One after the other: what is read next may take the place of what was read before.
    return ranges.reduce<Soon<typeof all>>(
      (before, range) =>
        andThen(before, () =>
          andThen(parts[range.part]!(kind, range.first, range.end), (found) => {
            all.set(found, range.part * size + range.first - first);
            return all;
          }),
        ),
      all,
    );
  };
