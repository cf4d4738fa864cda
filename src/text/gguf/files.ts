import type { JsonObject, JsonValue } from "../../checkpoint/json.ts";
import { quote } from "../../checkpoint/problem.ts";
import { listWords } from "../../support/text.ts";
import { cuts } from "./cuts.ts";
import { foundFirst } from "./sentencepiece.ts";
import { around, readTokens, TOKEN_TYPES, type TokenizerKeys, type Tokens } from "./vocabulary.ts";

/* Tokenizers whose parts a tokenizer.json has too: the file that they would be. */

/** GPT-2's pairs of bytes, with merges; how a text is cut is said by a name. */
export function bytePairsFile(keys: TokenizerKeys): JsonObject {
  const named = keys.text("pre") ?? "none";
  const cut = Object.hasOwn(cuts, named) ? cuts[named]! : undefined;
  if (cut === undefined)
    return keys.refuse(
      `\`tokenizer.ggml.pre\` is ${quote(named)}, a cut into words that is not known; known are ${listWords(Object.keys(cuts))}`,
      "name the tokenizer.json of the model that the file was made of with --tokenizer",
    );
  const { texts, types } = readTokens(keys);
  const tokens = { texts: texts.all(), types };
  const split = (pattern: string): JsonObject => ({
    type: "Split",
    pattern: { Regex: pattern },
    behavior: "Isolated",
    invert: false,
  });
  const byteLevel = (use_regex: boolean): JsonObject => ({
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: true,
    use_regex,
  });
  return {
    ...commonMembers(keys, tokens, { bos: cut.addsBos ?? false, eos: false }),
    normalizer: cut.normalizer ?? null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [...cut.patterns.map(split), byteLevel(cut.thenGpt2 ?? false)],
    },
    decoder: byteLevel(false),
    model: {
      type: "BPE",
      vocab: vocabulary(tokens),
      merges: keys.texts("merges").all(),
      ignore_merges: cut.takesWholeWords ?? false,
    },
  };
}

/**
 * BERT's word pieces. Words are stored with ▁ in front, and what goes on with a word as it is. Where the
 * file does not say whether letters are made small, they are if the vocabulary has no capital.
 */
export function wordPiecesFile(keys: TokenizerKeys): JsonObject {
  const { texts: list, types } = readTokens(keys);
  const texts = list.all();
  const tokens = { types, texts: texts.map((text, id) => wordPiece(text, types[id]!)) };
  const isCased = texts.some((text, id) => types[id] === TOKEN_TYPES.normal && /\p{Lu}/u.test(text));
  const unknown =
    keys.id("unknown", texts.length) ?? keys.refuse("there is no `tokenizer.ggml.unknown_token_id`");
  const before = keys.id("cls", texts.length) ?? keys.id("bos", texts.length);
  return {
    ...commonMembers(keys, tokens, { bos: false, eos: false }),
    ...processorOf(tokens, idList(before), idList(keys.id("seperator", texts.length))),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: keys.flag("normalizer.lowercase", !isCased),
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: texts[unknown]!,
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: vocabulary(tokens),
    },
  };
}

const idList = (id: number | undefined): readonly number[] => (id === undefined ? [] : [id]);

function wordPiece(text: string, type: number): string {
  if (type !== TOKEN_TYPES.normal) return text;
  return text.startsWith("▁") ? text.slice(1) : `##${text}`;
}

/** What all files have: their own tokens, and the ids around a text. */
function commonMembers(
  keys: TokenizerKeys,
  tokens: Tokens,
  adds: { readonly bos: boolean; readonly eos: boolean },
): JsonObject {
  const { before, behind } = around(keys, tokens, adds);
  return {
    version: "1.0",
    added_tokens: foundFirst(tokens).map(({ id, content, isSpecial }) => ({
      id,
      content,
      special: isSpecial,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    ...processorOf(tokens, before, behind),
  };
}

function processorOf({ texts }: Tokens, before: readonly number[], behind: readonly number[]): JsonObject {
  if (before.length + behind.length === 0) return { post_processor: null };
  const special = (id: number): JsonValue => ({ SpecialToken: { id: texts.at(id)!, type_id: 0 } });
  const text = (letter: string, type_id: number): JsonValue => ({ Sequence: { id: letter, type_id } });
  const single = [...before.map(special), text("A", 0), ...behind.map(special)];
  const named = Object.fromEntries(
    [...before, ...behind].map((id) => {
      const token = texts.at(id)!;
      return [token, { id: token, ids: [id], tokens: [token] }];
    }),
  );
  return {
    post_processor: {
      type: "TemplateProcessing",
      single,
      pair: [...single, text("B", 1)],
      special_tokens: named,
    },
  };
}

/** Ids by token, the first of equals; what only fills the vocabulary up is none. */
function vocabulary({ texts, types }: Tokens<readonly string[]>): JsonObject {
  const ids: Record<string, number> = Object.create(null) as Record<string, number>;
  for (const [id, text] of texts.entries())
    if (types[id] !== TOKEN_TYPES.unused && !(text in ids)) ids[text] = id;
  return ids;
}
