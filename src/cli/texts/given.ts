import { readText } from "../../checkpoint/files/read.ts";
import { decodeUtf8 } from "../../checkpoint/json.ts";
import { places } from "../../checkpoint/places.ts";
import { plural, showBytes } from "../../support/text.ts";
import type { Cut } from "../../run/texts/reader.ts";
import type { Out } from "../out.ts";
import { STDIN } from "../source.ts";
import { orStop, stop } from "../stop.ts";

/** The texts of the arguments and of the lines of a file; without any the command ends. */
export async function readTexts(
  args: readonly string[],
  file: string | undefined,
  what: string,
  out: Out,
): Promise<readonly string[]> {
  const lines = file === undefined ? [] : linesOf(await contentOf(file, out));
  const texts = [...args, ...lines];
  if (texts.length > 0) return texts;
  const found = file === undefined ? "" : `: ${file === STDIN ? "standard input" : file} has no line`;
  return stop(
    "E843",
    `there is no ${what}${found}`,
    "give some as arguments, or a file of one a line with --file",
  );
}

async function contentOf(file: string, out: Out): Promise<string> {
  if (file !== STDIN) return orStop(readText(file, places.text));
  const most = places.text.bytes;
  const bytes = await out.input(most);
  if (bytes.length > most)
    stop("E824", `standard input has more than ${showBytes(most)}, and a text has at most that`);
  return orStop(decodeUtf8(bytes, "standard input"));
}

/** The lines of a text; one that is empty is a text too, but for what stands behind the last end of a line. */
const linesOf = (text: string): readonly string[] =>
  text === "" ? [] : text.replace(/\r?\n$/, "").split(/\r?\n/);

/** How many texts are named one by one where they were cut. */
const MOST_NAMED = 5;

/** Says which texts the model has not read to their ends. */
export function tellCut(cut: Cut, longest: number, what: string, out: Out): void {
  if (cut.length === 0) return;
  const named = cut.slice(0, MOST_NAMED).map(({ text, tokens }) => `${text + 1} (${tokens})`);
  const more = cut.length > named.length ? `, and ${cut.length - named.length} more` : "";
  const which = `${named.join(", ")}${more}`;
  out.note(
    `${plural(cut.length, what)} cut to ${longest} tokens, of which the model reads no more: ${which}\n`,
  );
}
