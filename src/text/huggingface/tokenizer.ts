import { ownValue, type JsonObject } from "../../checkpoint/json.ts";
import { Problem, quote } from "../../checkpoint/problem.ts";
import type { Encoded, Texts, Tokenizer } from "../tokenizer.ts";
import { finderOf, readAddedTokens, type AddedToken } from "./added-tokens.ts";
import { cleanUp, readDecoder, type Decoder } from "./decoders.ts";
import { readModel } from "./model.ts";
import { readNormalizer, type Normalizer } from "./normalizers.ts";
import { cut, type Piece } from "./pieces.ts";
import { readPreTokenizer, type PreTokenizer } from "./pre-tokenizers.ts";
import { NOTHING, readBatchShape, readProcessor, type Around, type BatchShape } from "./processors.ts";
import { Section, Unreadable } from "./section.ts";
import { Untokenizable, type Model } from "./vocabulary.ts";
import { assembled, type Cuts } from "./within.ts";

/** What a tokenizer.json says, read whole. */
interface Parts {
  readonly normalizer: Normalizer | undefined;
  readonly preTokenizer: PreTokenizer | undefined;
  readonly model: Model;
  readonly around: Around;
  readonly decoder: Decoder | undefined;
  readonly added: readonly AddedToken[];
  readonly shape: BatchShape;
}

/** The tokenizer of a published tokenizer.json. */
export interface FileTokenizer extends Tokenizer {
  readonly encodeWithin: (texts: Texts, longest: number) => Encoded | Problem;
  /** As `encode`, of a text of any length: never cut. */
  readonly encodeWhole: (text: string) => readonly number[] | Problem;
  readonly remarks: (ids: readonly number[]) => readonly string[];
}

/**
 * The tokenizer of a published `tokenizer.json`, whose ids and texts are those of Hugging Face's `tokenizers`; a member
 * that cannot be done is a problem. Of its `tokenizer_config.json`, the tokens that it adds and
 * `clean_up_tokenization_spaces` count, as in transformers. `name` stands in front of messages.
 */
export function huggingFaceTokenizer(
  file: JsonObject,
  config: JsonObject,
  name: string,
): FileTokenizer | Problem {
  try {
    return tokenizerOf(readParts(new Section(file), config), config, name);
  } catch (error) {
    if (error instanceof Unreadable) return new Problem("E741", `${name}: ${error.message}`, error.help);
    throw error;
  }
}

function readParts(file: Section, config: JsonObject): Parts {
  const version = file.optionalString("version");
  if (version !== undefined && version !== "1.0") file.refuse("version", "only 1.0 is known");
  const [normalizer, cut] = [file.optionalSection("normalizer"), file.optionalSection("pre_tokenizer")];
  const [around, decoder] = [file.optionalSection("post_processor"), file.optionalSection("decoder")];
  const model = readModel(file.section("model"));
  const normalize = normalizer && readNormalizer(normalizer);
  const parts = {
    normalizer: normalize,
    preTokenizer: cut && readPreTokenizer(cut),
    model,
    around: around === undefined ? NOTHING : readProcessor(around),
    decoder: decoder && readDecoder(decoder),
    added: readAddedTokens(file, config, model, normalize),
    shape: readBatchShape(file),
  };
  file.end();
  return parts;
}

function tokenizerOf(parts: Parts, config: JsonObject, name: string): FileTokenizer {
  const encodePlain = encoderOf(parts);
  const { before, behind } = parts.around;
  const { longest, cuts, pads } = parts.shape;
  const encodeBare = (text: string): readonly number[] | Problem => {
    const ids = withinLength(() => encodePlain(text), name);
    return ids instanceof Untokenizable ? noToken(ids, name) : ids;
  };
  const encodeWhole = (text: string): readonly number[] | Problem => {
    const ids = encodeBare(text);
    return ids instanceof Problem ? ids : [...before, ...ids, ...behind];
  };
  // What stands around a text is never cut.
  const room = longest === undefined ? Infinity : Math.max(0, longest - before.length - behind.length);
  const truncate = (ids: readonly number[]): readonly number[] => {
    const inner = ids.slice(before.length, ids.length - behind.length);
    const kept = cuts === "Right" ? inner.slice(0, room) : inner.slice(Math.max(0, inner.length - room));
    return inner.length <= room ? ids : [...before, ...kept, ...behind];
  };
  const { single, pair } = parts.around;
  const encodeWithin = (texts: Texts, most: number): Encoded | Problem => {
    const template = texts.length === 1 ? single : pair;
    if (template === undefined) return noPairs(name);
    const each = texts.map(encodeBare);
    const problem = each.find((ids) => ids instanceof Problem);
    return problem ?? assembled(template, each as (readonly number[])[], most, sideOf(config) ?? cuts);
  };
  return {
    size: sizeOf(parts),
    encodeBare,
    encodeWhole,
    encodeWithin,
    encode: (text) => {
      const ids = encodeWhole(text);
      return ids instanceof Problem ? ids : truncate(ids);
    },
    decode: decoderOf(parts, config),
    remarks: (ids) => [
      ...(ids.length === longest ? [`${name} cuts a text to ${longest} tokens`] : []),
      ...(pads ? [`${name} asks for padding, which is left out: a single text needs none`] : []),
    ],
  };
}

/** What a file makes of a text may be longer than any text. */
function withinLength<T>(run: () => T, name: string): T | Problem {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return new Problem("E742", `${name} makes more of the text than a text can hold`);
  }
}

const sizeOf = ({ model, added }: Parts): number => {
  let size = 0;
  for (const id of model.ids.values()) size = Math.max(size, id + 1);
  for (const { id } of added) size = Math.max(size, id + 1);
  return size;
};

/** The end that transformers cuts off, where the config says which. */
function sideOf(config: JsonObject): Cuts | undefined {
  const side = ownValue(config, "truncation_side");
  return side === "left" ? "Left" : side === "right" ? "Right" : undefined;
}

const noPairs = (name: string): Problem =>
  new Problem(
    "E742",
    `${name} has no form for two texts: \`pair\` of its post_processor must hold \`A\` and \`B\` once each`,
  );

const noToken = ({ text }: Untokenizable, name: string): Problem =>
  new Problem("E742", `${name} has no token for ${quote(text)}, and none for what is unknown`);

/** The ids of a text, without those around it. */
function encoderOf({ normalizer, preTokenizer, model, added }: Parts) {
  const findFirst = finderOf(added.filter(({ isNormalized }) => !isNormalized));
  const findNormalized = finderOf(added.filter(({ isNormalized }) => isNormalized));
  const piecesOf = preTokenizer ?? ((piece: Piece) => [piece]);
  return (given: string): readonly number[] | Untokenizable => {
    const ids: number[] = [];
    const text = given.replace(/\p{Cs}/gu, "\ufffd");
    for (const { start, end, token } of findFirst(text)) {
      if (token !== undefined) {
        ids.push(token.id);
        continue;
      }
      const part = normalized({ text: text.slice(start, end), isFirst: start === 0 }, normalizer);
      for (const inner of findNormalized(part.text)) {
        if (inner.token !== undefined) {
          ids.push(inner.token.id);
          continue;
        }
        for (const { text: word } of piecesOf(cut(part, inner.start, inner.end))) {
          const tokens = model.tokenize(word);
          if (tokens instanceof Untokenizable) return tokens;
          for (const id of tokens) ids.push(id);
        }
      }
    }
    return ids;
  };
}

/** A part of a text, normalized. Its head is what the normalizer makes of its first character. */
function normalized(
  { text, isFirst }: { readonly text: string; readonly isFirst: boolean },
  normalizer: Normalizer | undefined,
): Piece {
  const first = isFirst ? String.fromCodePoint(text.codePointAt(0)!) : "";
  if (normalizer === undefined) return { text, head: first.length };
  return { text: normalizer(text), head: first === "" ? 0 : normalizer(first).length };
}

/** The text of ids, without special tokens; ids that the tokenizer does not have give nothing. */
function decoderOf({ model, added, decoder }: Parts, config: JsonObject): Tokenizer["decode"] {
  const tokens = new Map<number, string>();
  for (const [token, id] of model.ids) tokens.set(id, token);
  // As the library: an added token is shown as it is sought.
  for (const { id, sought } of added) tokens.set(id, sought);
  const special = new Set(added.filter(({ isSpecial }) => isSpecial).map(({ content }) => content));
  const cleans =
    ownValue(config, "clean_up_tokenization_spaces") === true &&
    (!model.isBytePairs ||
      ownValue(config, "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output") === true);
  return (ids) => {
    const shown = ids.flatMap((id) => {
      const token = tokens.get(id);
      return token === undefined || special.has(token) ? [] : [token];
    });
    const text = decoder === undefined ? shown.join(" ") : decoder(shown).join("");
    return cleans ? cleanUp(text, false) : text;
  };
}
