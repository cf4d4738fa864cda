import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { readTokenizer } from "../../../src/cli/run/tokenizer-files.ts";
import { root } from "./built.ts";
import type { Prompt } from "./contenders.ts";

/** So many tokens of a book, as a file's tokenizer has them. */
export function promptOf(file: string, count: number): Prompt {
  const book = gunzipSync(readFileSync(join(root, "examples/data/moby-dick-validation.txt.gz")));
  const tokenizer = readTokenizer(file)!;
  const ids = tokenizer.encode(book.toString().slice(0, 16 * count)) as readonly number[];
  const [first, second] = [ids.slice(0, count), tokenizer.encode("") as readonly number[]];
  return { ids: first, text: tokenizer.decode(first.slice(second.length)) };
}
