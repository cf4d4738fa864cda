import { isJsonObject, type JsonObject, type JsonValue } from "../../checkpoint/json.ts";
import { isCount, Section } from "./section.ts";

/** An added token as a file describes it. */
export interface GivenToken {
  readonly content: string;
  readonly isSingleWord: boolean;
  readonly takesLeft: boolean;
  readonly takesRight: boolean;
  readonly isNormalized: boolean;
  /** Left out of decoded texts. */
  readonly isSpecial: boolean;
}

/** The members of a token in a tokenizer.json, where all of them stand, or in a tokenizer_config.json. */
export function readGivenToken(section: Section, missing?: boolean): GivenToken {
  const isSpecial = section.boolean("special", missing);
  return {
    content: section.string("content"),
    isSingleWord: section.boolean("single_word", missing),
    takesLeft: section.boolean("lstrip", missing),
    takesRight: section.boolean("rstrip", missing),
    isNormalized: section.boolean("normalized", missing === undefined ? undefined : !isSpecial),
    isSpecial,
  };
}

/** A token of the config, the id that it says, if it does, and where it stands. */
export interface ConfigToken {
  readonly token: GivenToken;
  readonly id?: number;
  readonly section: Section;
}

/** The special tokens that every tokenizer of transformers may have. */
export const specialTokenKeys: readonly string[] = [
  "bos_token",
  "eos_token",
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
];

const FILE = "tokenizer_config.json";

/**
 * The tokens that transformers adds to those of a tokenizer.json, in its order: entries of `added_tokens_decoder` that the
 * file has not, or has with other members, then special tokens by name (`eos_token`, `image_token`), then further ones
 * (`PreTrainedTokenizerFast.__init__` of transformers 5).
 */
export function configTokens(config: JsonObject, inFile: ReadonlyMap<string, GivenToken>): ConfigToken[] {
  const section = new Section(config, FILE);
  if (section.value("split_special_tokens") === true)
    section.refuse("split_special_tokens", "lmg finds special tokens in a text, and does not split them");
  const { named, further } = specialTokens(section, config);
  const names = new Set(named.map(({ token }) => token.content));
  const listed =
    section.value("added_tokens_decoder") === undefined
      ? Array.from(inFile.values(), (token) => ({ token, section }))
      : decoderTokens(section);
  // A token that is listed becomes special by its name.
  const added: ConfigToken[] = listed
    .map((each) => (names.has(each.token.content) ? { ...each, token: asSpecial(each.token) } : each))
    .filter(({ token }) => !isSame(inFile.get(token.content), token));
  const known = new Set([...inFile.keys(), ...added.map(({ token }) => token.content)]);
  for (const each of [...named, ...further]) {
    if (known.has(each.token.content)) continue;
    known.add(each.token.content);
    added.push(each);
  }
  return added;
}

const asSpecial = (token: GivenToken): GivenToken => ({ ...token, isSpecial: true });

const isSame = (a: GivenToken | undefined, b: GivenToken): boolean =>
  a !== undefined &&
  a.isSingleWord === b.isSingleWord &&
  a.takesLeft === b.takesLeft &&
  a.takesRight === b.takesRight &&
  a.isNormalized === b.isNormalized &&
  a.isSpecial === b.isSpecial;

/** `added_tokens_decoder`: `{"5": {"content": "<s>", …}}`, by id. */
function decoderTokens(config: Section): ConfigToken[] {
  const decoder = config.optionalSection("added_tokens_decoder");
  const tokens = (decoder?.keys() ?? []).map((key) => {
    const id = /^\d+$/.test(key) ? Number(key) : undefined;
    if (id === undefined || !isCount(id)) return decoder!.fail(key, "an id as its name");
    const section = decoder!.section(key);
    section.ignore("__type", "id");
    const token = readGivenToken(section, false);
    section.end();
    return { token, id, section };
  });
  return tokens.sort((a, b) => a.id - b.id);
}

/** Special tokens by their names in the config, and further ones that have none. */
function specialTokens(section: Section, config: JsonObject): Record<"named" | "further", ConfigToken[]> {
  const extra = section.value("extra_special_tokens") ?? section.value("additional_special_tokens");
  const list = Array.isArray(extra) ? (extra as readonly JsonValue[]) : [];
  const byName: (readonly [string, JsonValue | undefined])[] = [
    ...specialTokenKeys.map((key) => [key, section.value(key)] as const),
    ...(isJsonObject(extra) ? Object.entries(extra) : []),
    ...Object.entries(config).filter(
      ([key, value]) =>
        key.endsWith("_token") &&
        !specialTokenKeys.includes(key) &&
        (typeof value === "string" || isJsonObject(value)),
    ),
  ];
  return {
    named: byName.flatMap(([key, value]) =>
      value === undefined || value === null ? [] : [specialToken(key, value, section)],
    ),
    further: list.map((value) => specialToken("extra_special_tokens", value, section)),
  };
}

/** A text, or an object with the members of a token; special either way. */
function specialToken(key: string, value: JsonValue, config: Section): ConfigToken {
  if (typeof value !== "string" && !isJsonObject(value))
    return config.fail(key, "a token, as a text or an object");
  const section = new Section(
    typeof value === "string" ? { content: value, special: true } : value,
    `${FILE}.${key}`,
  );
  section.ignore("__type", "id");
  const token = readGivenToken(section, false);
  section.end();
  return { token: asSpecial(token), section };
}
