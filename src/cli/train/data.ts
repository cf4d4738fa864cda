import { dirname, isAbsolute, join } from "node:path";
import { readBytes } from "../../checkpoint/files.ts";
import { quote } from "../../checkpoint/problem.ts";
import type { TextTokenizer } from "../../text/tokenizer.ts";
import { tokenizerFor, type TokenizerChoice } from "../../text/tokenizer-for.ts";
import { isText, textOf, type DataSource } from "../../train/data/source.ts";
import { readIfThere } from "../run/tokenizer-files.ts";
import { orStop, stop } from "../stop.ts";

/** `image=digits.idx.gz`, or a file alone. */
function readSource(argument: string): DataSource {
  const [, feeds, named] = /^([A-Za-z_]\w*)=(.+)$/s.exec(argument) ?? [];
  const name = named ?? argument;
  return { name, bytes: orStop(readBytes(name)), feeds };
}

/** The files of `--data`, else the one that the model's text names, which stands beside the model. */
export function readData(
  data: readonly string[] | undefined,
  inModel: string | undefined,
  model: string,
): readonly DataSource[] {
  if (data !== undefined) return data.map(readSource);
  if (inModel === undefined)
    return stop(
      "E751",
      "there is no data to train on",
      "name a text with --data FILE, or arrays with --data NAME=FILE for each input and target",
    );
  const name = isAbsolute(inModel) ? inModel : join(dirname(model), inModel);
  return [{ name, bytes: orStop(readBytes(name)) }];
}

/** A share, a number, or files. */
export function readValidation(
  given: readonly string[] | undefined,
): number | readonly DataSource[] | undefined {
  const [first] = given ?? [];
  if (given === undefined || first === undefined) return undefined;
  const numbers = given.filter((argument) => /^[\d.]+$/.test(argument));
  if (numbers.length === 0) return given.map(readSource);
  return given.length === 1
    ? Number(first)
    : stop("E804", "--validation takes one share or number, or files: here are several");
}

/** The tokenizer of a text that is data; undefined for arrays. */
export function tokenizerOf(sources: readonly DataSource[], choice: string): TextTokenizer | undefined {
  const [source] = sources;
  if (sources.length !== 1 || source === undefined || !isText(source)) return undefined;
  return orStop(tokenizerFor(orStop(textOf(source)), readChoice(choice), source.name));
}

function readChoice(choice: string): TokenizerChoice {
  if (choice === "characters") return { kind: "characters" };
  const size = /^bpe:(\d+)$/.exec(choice)?.[1];
  if (size !== undefined) return { kind: "byte_pairs", size: Number(size) };
  const file = readIfThere(choice);
  if (file !== undefined)
    return {
      kind: "file",
      name: choice,
      file,
      config: readIfThere(join(dirname(choice), "tokenizer_config.json")) ?? {},
    };
  return stop("E741", `--tokenizer expects characters, bpe:SIZE or a tokenizer.json, found ${quote(choice)}`);
}
