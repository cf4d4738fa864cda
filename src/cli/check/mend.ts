import { writeFile } from "../../checkpoint/files.ts";
import type { Diagnostic } from "../../support/diagnostic.ts";
import { fixedText } from "../../support/fixes.ts";
import type { Source } from "../../support/source.ts";
import type { Out } from "../out.ts";
import { openPlace, type StdinOptions } from "../places.ts";
import type { ModelOptions } from "../source.ts";
import { mistakesIn, Stop } from "../stop.ts";
import { checkSource } from "./checked.ts";

const isAlike = (one: Diagnostic, other: Diagnostic): boolean =>
  one.code === other.code && one.message === other.message;

/**
 * Makes the fixes of a file, one after the other, and replaces it; the mistakes that are mended. A fix is kept if the
 * check then says of its mistake once less. What a fix brings to light is mended in its turn.
 */
export async function mendPlace(
  path: string,
  asked: ModelOptions & StdinOptions,
  out: Out,
): Promise<readonly Diagnostic[]> {
  let place;
  try {
    place = await openPlace(path, asked, out);
  } catch (error) {
    // The check that follows says so.
    if (mistakesIn(error) === undefined) throw error;
    return [];
  }
  // What a training keeps of its model stays as it was trained.
  if (place.source.name !== path) return [];
  const { options } = place;
  const { text, mended } = await mendSource(
    place.source,
    async (source) => (await checkSource(source, options, out)).diagnostics,
  );
  if (mended.length === 0) return [];
  const problem = writeFile(path, text);
  if (problem !== undefined) throw new Stop([problem]);
  return mended;
}

async function mendSource(
  given: Source,
  check: (source: Source) => Promise<readonly Diagnostic[]>,
): Promise<{ readonly text: string; readonly mended: readonly Diagnostic[] }> {
  const mended: Diagnostic[] = [];
  // No text is tried twice, so that fixes that undo each other come to an end.
  const tried = new Set([given.text]);
  let source = given;
  let found = await check(source);
  for (;;) {
    const next = found.find((one) => !tried.has(fixedText(source, one) ?? source.text));
    if (next === undefined) return { text: source.text, mended };
    const fixed = { ...source, text: fixedText(source, next)! };
    tried.add(fixed.text);
    const left = await check(fixed);
    const count = (list: readonly Diagnostic[]): number => list.filter((one) => isAlike(one, next)).length;
    if (count(left) >= count(found)) continue;
    mended.push(next);
    [source, found] = [fixed, left];
  }
}
