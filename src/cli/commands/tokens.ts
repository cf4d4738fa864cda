import { writeNpy } from "../../checkpoint/npy.ts";
import { Problem, quotePath } from "../../checkpoint/problem.ts";
import { countOf, showCount } from "../../support/text.ts";
import { partSize } from "../../train/data/split.ts";
import { isText, textOf, unpacked } from "../../train/data/source.ts";
import type { TextTokenizer } from "../../text/tokenizer.ts";
import type { Command } from "../command.ts";
import { writeJson } from "../out.ts";
import { orStop, stop } from "../stop.ts";
import { readData, readValidation, tokenizerOf } from "../train/data.ts";
import { runFiles } from "../train/folder.ts";
import { DEFAULT_TOKENIZER } from "../train/options.ts";
import { writeFiles } from "./compile.ts";

interface TokensOptions {
  readonly data: string;
  readonly tokenizer: string;
  readonly validation?: readonly string[];
  readonly out: string;
  readonly json?: true;
}

export const command: Command = {
  arguments: [],
  options: [
    { flags: "--data <file>", description: "the text, plain or compressed with gzip" },
    {
      flags: "--tokenizer <kind>",
      description: "characters, bpe:SIZE (both made from the text), or a tokenizer.json or its folder",
      default: DEFAULT_TOKENIZER,
    },
    {
      flags: "--validation <part>",
      description:
        "the share or number of tokens at its end that are kept apart, or another text; a tenth if not given",
      repeated: true,
    },
    { flags: "-o, --out <folder>", description: "where to write them", default: "tokens" },
    { flags: "--json", description: "what was written, as JSON" },
  ],
  examples: [
    [
      "lmg tokens --data text.txt --tokenizer bpe:8000 -o tokens/",
      "write training.npy, validation.npy and tokenizer.json, which train.py of lmg compile --target torch reads",
    ],
  ],
  run(_, options: TokensOptions, out) {
    if ((options as Partial<TokensOptions>).data === undefined)
      stop("E751", "there is no text to make tokens of", "name one with --data FILE");
    const [source] = readData({ data: [options.data] }, undefined, "");
    const text = orStop(unpacked(source!));
    if (!isText(text)) stop("E754", `${quotePath(text.name)} is no text: arrays are read as they are`);
    const { tokenizer, config } = tokenizerOf([text], { tokenizer: options.tokenizer })!;
    const parts = partsOf(tokenizer, orStop(textOf(text)), text.name, options);
    const files = [
      ...Object.entries(parts).map(([name, ids]) => ({ path: `${name}.npy`, text: npyOf(ids) })),
      { path: runFiles.tokenizer, text: `${JSON.stringify(tokenizer.file, null, 2)}\n` },
      ...(Object.keys(config).length === 0
        ? []
        : [{ path: runFiles.tokenizerConfig, text: `${JSON.stringify(config, null, 2)}\n` }]),
    ];
    const written = writeFiles(options.out, files);
    if (options.json === true) writeJson(out, { files: written, vocabulary: tokenizer.size });
    else
      out.write(
        `wrote ${options.out}: ${countOf(parts.training.length, "token")} of ${tokenizer.description} to train on, ` +
          `${showCount(parts.validation.length)} for validation\n`,
      );
    return Promise.resolve();
  },
};

/** As `lmg train` cuts a text: its end, or another one, is for validation. */
function partsOf(tokenizer: TextTokenizer, text: string, name: string, options: TokensOptions) {
  const tokens = encoded(tokenizer, text, name);
  const validation = readValidation(options.validation);
  if (typeof validation === "object") {
    const [other, second] = validation;
    if (second !== undefined) return stop("E754", `${second.name}: a text has one file for validation`);
    return {
      training: tokens,
      validation: encoded(tokenizer, orStop(textOf(orStop(unpacked(other!)))), other!.name),
    };
  }
  const cut = tokens.length - orStop(partSize(validation, tokens.length, "token", name));
  return { training: tokens.subarray(0, cut), validation: tokens.subarray(cut) };
}

function encoded(tokenizer: TextTokenizer, text: string, name: string): Int32Array {
  const tokens = tokenizer.encodeAll(text);
  return tokens instanceof Problem ? stop(tokens.code, `${name}: ${tokens.message}`, tokens.help) : tokens;
}

const npyOf = (data: Int32Array): Uint8Array => writeNpy({ dtype: "i32", shape: [data.length], data });
