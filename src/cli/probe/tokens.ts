import { readText } from "../../checkpoint/files/read.ts";
import { places } from "../../checkpoint/places.ts";
import { quotePath } from "../../checkpoint/problem.ts";
import type { Graph, Input } from "../../ir/graph.ts";
import { contextOf, tokenInput, tokenTensor } from "../../run/tokens.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { parseNumber } from "../arguments.ts";
import { checkpointFolder } from "../run/chosen.ts";
import { readTokenizer } from "../run/tokenizer-files.ts";
import { orStop, stop } from "../stop.ts";
import { DEFAULT_TOKENIZER, type ProbeOptions } from "./options.ts";

/** Tokens that are read of a text if nothing is said. */
const DEFAULT_CONTEXT = 128;

/** Characters of which the first tokens are made: a token takes some four, and one of a rare script as many bytes. */
const CHARACTERS_PER_TOKEN = 16;

/** The first tokens of the text that `--data` names, for the model's input of tokens, by the tokenizer beside the weights. */
export function readTokens(
  graph: Graph,
  data: readonly string[],
  options: ProbeOptions,
): { readonly input: Input; readonly tokens: HostTensor; readonly name: string } {
  const [path, second] = data;
  if (path === undefined || second !== undefined)
    return stop("E754", "a text stands alone: it feeds the one input of tokens");
  if (options.batch !== undefined)
    stop("E862", "--batch is for a training, and one text is read here", "say --context for its length");
  const input = orStop(tokenInput(graph, "leave --data out: inputs are random then"));
  const limit = contextOf(graph, input);
  const asked =
    options.context === undefined
      ? Math.min(DEFAULT_CONTEXT, limit)
      : orStop(parseNumber("--context", options.context, 1, limit, true));
  const folder = options.tokenizer === DEFAULT_TOKENIZER ? checkpointFolder(options) : options.tokenizer;
  const tokenizer = folder === undefined ? undefined : readTokenizer(folder);
  if (tokenizer === undefined)
    return stop(
      "E812",
      `there is no tokenizer beside the weights, by which ${quotePath(path)} could be read`,
      "name its folder or its tokenizer.json with --tokenizer",
    );
  const text = orStop(readText(path, places.text)).slice(0, CHARACTERS_PER_TOKEN * asked);
  const ids = orStop(tokenizer.encode(text)).slice(0, asked);
  if (ids.length === 0) return stop("E818", `${quotePath(path)} has no tokens`);
  return { input, tokens: orStop(tokenTensor(graph, input, [ids])), name: path };
}
