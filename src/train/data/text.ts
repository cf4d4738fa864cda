import { Problem, quote } from "../../checkpoint/problem.ts";
import { listWords } from "../../support/text.ts";
import { constantDim } from "../../tensor/dim.ts";
import { isInteger } from "../../tensor/dtype.ts";
import { showType } from "../../tensor/type.ts";
import { charactersOf, characterTokenizer } from "../../text/characters.ts";
import type { TextTokenizer } from "../../text/tokenizer.ts";
import type { Batches } from "./batches.ts";
import type { DataOptions } from "./options.ts";
import { textOf, type DataSource } from "./source.ts";
import { partSize } from "./split.ts";
import { batchProblem, fixedBatch, type Wanted, type WantedTensor } from "./wanted.ts";
import { windowBatches, type TokenText } from "./windows.ts";

/** A text that feeds the one input and the one target of tokens. */
export function openText(source: DataSource, wanted: Wanted, options: DataOptions): Batches | Problem {
  const fed = fedByText(source, wanted.tensors);
  if (fed instanceof Problem) return fed;
  const context = contextOf(fed, wanted, options);
  if (context instanceof Problem) return context;
  const [rows, length] = fed.input.type.shape.map(({ key }) => key) as [string, string];
  const misfit = batchProblem(
    wanted,
    new Map([
      [rows, options.batch],
      [length, context],
    ]),
  );
  if (misfit !== undefined) return misfit;
  const text = tokenText(source, fed, options);
  if (text instanceof Problem) return text;
  const { batch, seed } = options;
  const onlyWhole = fixedBatch(wanted) !== undefined;
  const { validation } = options;
  const validationName = typeof validation === "object" ? validation[0]?.name : undefined;
  return windowBatches(text, { ...fed, batch, context, seed, onlyWhole, name: source.name, validationName });
}

/** Both `[B, T]`, integers. */
interface FedByText {
  readonly input: WantedTensor;
  readonly target: WantedTensor;
}

function fedByText(source: DataSource, tensors: readonly WantedTensor[]): FedByText | Problem {
  const required = tensors.filter((tensor) => tensor.required);
  const [input, ...inputs] = required.filter(({ isTarget }) => !isTarget);
  const [target, ...targets] = required.filter(({ isTarget }) => isTarget);
  const fits = input && target && inputs.length + targets.length === 0 && isTokens(input) && isTokens(target);
  if (fits !== true)
    return new Problem(
      "E754",
      `${source.name}: a text feeds one input and one target of integers [B, T]; the model wants ` +
        listWords(required.map(({ name, type }) => `${quote(name)}: ${showType(type)}`)),
      "give arrays by name, as in --data image=images.idx.gz --data label=labels.idx.gz",
    );
  if (source.feeds === undefined || source.feeds === input.name) return { input, target };
  return new Problem(
    "E754",
    `${source.name}: the text was given for ${quote(source.feeds)}, but the model reads tokens as ${quote(input.name)}`,
  );
}

const isTokens = ({ type }: WantedTensor): boolean => isInteger(type.dtype) && type.shape.length === 2;

/** The tokens of a window: as asked for, or the most that the model takes. */
function contextOf({ input }: FedByText, wanted: Wanted, options: DataOptions): number | Problem {
  const size = input.type.shape[1]!;
  const fixed = constantDim(size);
  const most = fixed ?? wanted.symbols.find(({ name }) => name === size.key)?.max;
  const context = options.context ?? most;
  if (context === undefined)
    return new Problem(
      "E755",
      `the model does not say how long ${quote(input.name)} may be`,
      "say how many tokens a window has with --context",
    );
  if (most === undefined || context === most || (fixed === undefined && context < most)) return context;
  return new Problem(
    "E755",
    `a context of ${context} tokens was asked for, but ${quote(input.name)} is ${showType(input.type)}` +
      (fixed === undefined ? ` with at most ${most}` : ""),
  );
}

/** The text as tokens, its end or another file kept for validation. */
function tokenText(source: DataSource, fed: FedByText, options: DataOptions): TokenText | Problem {
  const text = textOf(source);
  if (text instanceof Problem) return text;
  const tokenizer = options.tokenizer ?? characterTokenizer(charactersOf(text), source.name);
  const tokens = tokensOf(text, tokenizer, fed, source.name);
  if (tokens instanceof Problem) return tokens;
  const vocabulary = tokenizer.description;
  if (typeof options.validation !== "object") {
    const kept = partSize(options.validation, tokens.length, "token", source.name);
    if (kept instanceof Problem) return kept;
    const cut = tokens.length - kept;
    return { training: tokens.subarray(0, cut), validation: tokens.subarray(cut), vocabulary };
  }
  const validation = validationTokens(options.validation, tokenizer, fed);
  return validation instanceof Problem ? validation : { training: tokens, validation, vocabulary };
}

function validationTokens(
  sources: readonly DataSource[],
  tokenizer: TextTokenizer,
  fed: FedByText,
): Int32Array | Problem {
  const [source, second] = sources;
  if (source === undefined) return new Int32Array();
  if (second !== undefined)
    return new Problem(
      "E754",
      `${second.name}: a text has one file for validation; ${source.name} is it already`,
    );
  const text = textOf(source);
  return text instanceof Problem ? text : tokensOf(text, tokenizer, fed, source.name);
}

function tokensOf(
  text: string,
  tokenizer: TextTokenizer,
  { input, target }: FedByText,
  name: string,
): Int32Array | Problem {
  const tokens = tokenizer.encodeAll(text);
  if (tokens instanceof Problem) return new Problem(tokens.code, `${name}: ${tokens.message}`, tokens.help);
  const below = Math.min(input.below ?? Infinity, target.below ?? Infinity);
  const id = tokens.find((token) => token >= below);
  if (id === undefined) return tokens;
  return new Problem(
    "E753",
    `${name}: ${quote(tokenizer.decode([id]))} is token ${id} of ${tokenizer.size}, but the model has ${below}`,
    `give the model as many tokens as the tokenizer has: ${tokenizer.size}`,
  );
}
