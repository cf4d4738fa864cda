import { fileURLToPath } from "node:url";
import { findGguf } from "../../checkpoint/files/gguf.ts";
import { quote } from "../../checkpoint/problem.ts";
import { exampleFor } from "../../lower/config/families.ts";
import { ggufTokenizer } from "../../text/gguf/tokenizer.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { orStop, stop } from "../stop.ts";
import { ggufConfig, ofHeader } from "./gguf-config.ts";

/** The examples of the package, from here and from where the package has its modules. */
const EXAMPLES = new URL("../../../examples/", import.meta.url);

/** The tokenizer in a GGUF file; undefined if it has none. */
export const readGgufTokenizer = (path: string): Tokenizer | undefined =>
  ofHeader(path, (file) => orStop(ggufTokenizer(file.metadata, file.name)));

/**
 * A GGUF file in the place of a model stands for the example of its family, with itself as weights; undefined for other
 * paths.
 */
export function withGguf<Options extends { readonly weights?: string; readonly random?: string }>(
  path: string,
  options: Options,
): { readonly path: string; readonly options: Options } | undefined {
  const gguf = findGguf(path);
  if (gguf === undefined) return undefined;
  const family = ggufConfig(gguf)["model_type"] as string;
  const example = exampleFor(family);
  if (example === undefined)
    stop(
      "E737",
      `no example of lmg is of the family ${quote(family)}, of which ${quote(gguf)} is`,
      "write the model, with a config section that speaks for it, and name both: lmg run MODEL.lmg --weights FILE.gguf",
    );
  const hasWeights = options.weights !== undefined || options.random !== undefined;
  return {
    path: fileURLToPath(new URL(example, EXAMPLES)),
    options: hasWeights ? options : { ...options, weights: path },
  };
}
