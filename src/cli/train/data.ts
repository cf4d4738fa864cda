import { dirname, join } from "node:path";
import { readBytes } from "../../checkpoint/files/read.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import type { JsonObject } from "../../checkpoint/json.ts";
import { places } from "../../checkpoint/places.ts";
import { quote, quotePath } from "../../checkpoint/problem.ts";
import type { NamedData } from "../../lower/train/train.ts";
import { errorAt } from "../../support/diagnostic.ts";
import { listWords } from "../../support/text.ts";
import type { TextTokenizer } from "../../text/tokenizer.ts";
import { tokenizerFor, type TokenizerChoice } from "../../text/tokenizer-for.ts";
import { isText, textOf, unpacked, type DataSource } from "../../train/data/source.ts";
import { besides, isWithin, leadsOut, projectOf, realPath } from "../project.ts";
import { readIfThere, tokenizerConfigOf } from "../run/tokenizer-files.ts";
import { orStop, stop, Stop } from "../stop.ts";
import { DEFAULT_TOKENIZER, type TrainOptions } from "./options.ts";

/** `image=digits.idx.gz`, or a file alone. */
function readSource(argument: string): DataSource {
  const [, feeds, named] = /^([A-Za-z_]\w*)=(.+)$/s.exec(argument) ?? [];
  const name = named ?? argument;
  return { name, bytes: orStop(readBytes(name, places.data)), feeds };
}

/** The files of `--data`, else the one that the model's text names, which stands beside the model. */
export function readData(
  { data, allowOutside }: Pick<TrainOptions, "data" | "allowOutside">,
  inModel: NamedData | undefined,
  model: string,
): readonly DataSource[] {
  if (data !== undefined) return data.map(readSource);
  if (inModel === undefined)
    return stop(
      "E751",
      "there is no data to train on",
      "name a text with --data FILE, or arrays with --data NAME=FILE for each input and target",
    );
  const { path, span } = inModel;
  const name = besides(model, path);
  const project = projectOf(model);
  if (allowOutside !== true && !isWithin(project, realPath(name))) {
    const { message, help } = leadsOut(path, project);
    throw new Stop([errorAt("E762", span, message, { help })]);
  }
  return [{ name, bytes: orStop(readBytes(name, places.data)) }];
}

/** A share, a number, or files. */
export function readValidation(
  given: readonly string[] | undefined,
): number | readonly DataSource[] | undefined {
  const [first] = given ?? [];
  if (given === undefined || first === undefined) return undefined;
  const numbers = given.filter((argument) => argument.trim() !== "" && Number.isFinite(Number(argument)));
  if (numbers.length === 0) return given.map(readSource);
  return given.length === 1
    ? Number(first)
    : stop("E804", "--validation takes one share or number, or files: here are several");
}

/** The tokenizer of a text that is data, and what is kept beside it; undefined for arrays, which take none of its options. */
export function tokenizerOf(
  given: readonly DataSource[],
  { tokenizer, context }: Pick<TrainOptions, "tokenizer" | "context">,
): TrainedTokenizer | undefined {
  const sources = given.map((source) => orStop(unpacked(source)));
  const text = sources.find(isText);
  const other = sources.find((source) => source !== text);
  if (text === undefined) {
    const unread =
      tokenizer !== DEFAULT_TOKENIZER ? "--tokenizer" : context === undefined ? undefined : "--context";
    return unread === undefined
      ? undefined
      : stop(
          "E804",
          `${unread} is for a text, but ${listWords(sources.map(({ name }) => quotePath(name)))} ${sources.length === 1 ? "is" : "are"} none`,
        );
  }
  if (other !== undefined && isText(other))
    return stop(
      "E754",
      `a text stands alone, but ${quotePath(text.name)} and ${quotePath(other.name)} are two`,
      "put them into one file, as with `cat`; --validation takes another",
    );
  if (other !== undefined) return undefined;
  const choice = readChoice(tokenizer);
  return {
    tokenizer: orStop(tokenizerFor(orStop(textOf(text)), choice, text.name)),
    config: choice.kind === "file" ? choice.config : {},
  };
}

/** A tokenizer, and what the files beside it say, as one tokenizer_config.json: `{}` without one. */
export interface TrainedTokenizer {
  readonly tokenizer: TextTokenizer;
  readonly config: JsonObject;
}

function readChoice(choice: string): TokenizerChoice {
  if (choice === DEFAULT_TOKENIZER) return { kind: "characters" };
  const size = /^bpe:(\d+)$/.exec(choice)?.[1];
  if (size !== undefined) return { kind: "byte_pairs", size: Number(size) };
  const name = kindOfPath(choice) === "folder" ? join(choice, "tokenizer.json") : choice;
  const file = readIfThere(name, places.tokenizer);
  if (file !== undefined)
    return {
      kind: "file",
      name,
      file,
      config: tokenizerConfigOf(dirname(name), file),
    };
  return stop(
    "E741",
    `--tokenizer expects characters, bpe:SIZE or a tokenizer.json, found ${name === choice ? quote(choice) : `${quotePath(choice)}, a folder without one`}`,
  );
}
