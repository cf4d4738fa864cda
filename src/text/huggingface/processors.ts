import { isJsonObject, type JsonValue } from "../../checkpoint/json.ts";
import { isCount, readKind, type Kinds, type Section } from "./section.ts";
import { checkId } from "./vocabulary.ts";

/** A part of what a model reads: ids that stand around texts, or the first or the second text; and the type of all its tokens. */
export type TemplatePart =
  | { readonly ids: readonly number[]; readonly type: number }
  | { readonly text: 0 | 1; readonly type: number };

/** What is put around one text, and around two. */
export interface Around {
  /** The ids before and behind one text. */
  readonly before: readonly number[];
  readonly behind: readonly number[];
  readonly single: readonly TemplatePart[];
  /** Undefined if the file has no form for two texts. */
  readonly pair: readonly TemplatePart[] | undefined;
}

function aroundOf(single: readonly TemplatePart[], pair: readonly TemplatePart[] | undefined): Around {
  const at = single.findIndex((part) => "text" in part);
  const idsOf = (parts: readonly TemplatePart[]): readonly number[] =>
    parts.flatMap((part) => ("ids" in part ? part.ids : []));
  return { before: idsOf(single.slice(0, at)), behind: idsOf(single.slice(at + 1)), single, pair };
}

/** One text alone, or a second behind it, which then has a type of its own. */
export const NOTHING: Around = aroundOf(
  [{ text: 0, type: 0 }],
  [
    { text: 0, type: 0 },
    { text: 1, type: 1 },
  ],
);

/** What is put around texts. */
export const readProcessor = (section: Section): Around => readKind(section, PROCESSORS);

/** As the structures of this name in `tokenizers::processors`. */
const PROCESSORS: Kinds<Around> = {
  BertProcessing: (section) => {
    const { cls, sep } = readClsAndSep(section);
    return aroundOf(
      [cls, { text: 0, type: 0 }, sep(0)],
      [cls, { text: 0, type: 0 }, sep(0), { text: 1, type: 1 }, sep(1)],
    );
  },
  ByteLevel: (section) => {
    section.ignore("add_prefix_space", "trim_offsets", "use_regex");
    return NOTHING;
  },
  RobertaProcessing: (section) => {
    section.ignore("trim_offsets", "add_prefix_space");
    const { cls, sep } = readClsAndSep(section);
    return aroundOf(
      [cls, { text: 0, type: 0 }, sep(0)],
      [cls, { text: 0, type: 0 }, sep(0), sep(0), { text: 1, type: 0 }, sep(0)],
    );
  },
  Sequence: readSequence,
  TemplateProcessing: readTemplate,
};

function readSequence(section: Section): Around {
  const parts = section.sections("processors").map(readProcessor);
  const putting = parts.filter(({ before, behind }) => before.length + behind.length > 0);
  if (putting.length > 1) section.refuse("processors", "two of them put tokens around a text");
  return putting[0] ?? NOTHING;
}

function readClsAndSep(section: Section) {
  const idOf = (key: string): number => {
    const [token, id, ...more] = section.list(key);
    if (typeof token !== "string" || !isCount(id) || more.length > 0)
      return section.fail(key, "a token and its id");
    checkId(id, `${section.path}.${key}`);
    return id;
  };
  const [first, last] = [idOf("cls"), idOf("sep")];
  return { cls: { ids: [first], type: 0 }, sep: (type: number) => ({ ids: [last], type }) };
}

function readTemplate(section: Section): Around {
  const special = readSpecialTokens(section);
  const [single, pair] = (["single", "pair"] as const).map((key) => readParts(section, key, special));
  const counts = (parts: readonly TemplatePart[], text: 0 | 1): number =>
    parts.filter((part) => "text" in part && part.text === text).length;
  if (counts(single!, 0) !== 1 || counts(single!, 1) > 0)
    return section.refuse("single", "lmg reads a text once; it must hold `A` once, and no `B`");
  const isPair = counts(pair!, 0) === 1 && counts(pair!, 1) === 1;
  return aroundOf(single!, isPair ? pair : undefined);
}

/** The ids of each special token that a template may name. */
function readSpecialTokens(section: Section): ReadonlyMap<string, readonly number[]> {
  const tokens = section.section("special_tokens");
  return new Map(
    tokens.keys().map((name) => {
      const token = tokens.section(name);
      token.ignore("id", "tokens");
      const ids = token.list("ids");
      token.end();
      if (!ids.every(isCount)) return token.fail("ids", "a list of ids");
      for (const id of ids) checkId(id, token.path);
      return [name, ids] as const;
    }),
  );
}

/** The parts of a template: ids, or the first or the second text. */
function readParts(
  section: Section,
  key: "single" | "pair",
  special: ReadonlyMap<string, readonly number[]>,
): readonly TemplatePart[] {
  return section.sections(key).map((part): TemplatePart => {
    const sequence = part.optionalSection("Sequence");
    const inner = sequence ?? part.section("SpecialToken");
    part.end();
    const type = inner.count("type_id", 0);
    if (sequence !== undefined) {
      const id = sequence.choice("id", ["A", "B"]);
      sequence.end();
      return { text: id === "A" ? 0 : 1, type };
    }
    const name = inner.string("id");
    inner.end();
    return { ids: special.get(name) ?? inner.fail("id", "one of `special_tokens`"), type };
  });
}

/** `truncation` and `padding`: what a batch of texts is brought to. */
export interface BatchShape {
  /** Most ids of a text, with those around it. */
  readonly longest?: number;
  /** The end that is cut off. */
  readonly cuts: "Left" | "Right";
  /** Whether the file asks for padding. */
  readonly pads: boolean;
}

export function readBatchShape(file: Section): BatchShape {
  const truncation = file.optionalSection("truncation");
  const pads = readPadding(file.optionalSection("padding"));
  if (truncation === undefined) return { cuts: "Right", pads };
  const cuts = truncation.choice("direction", ["Left", "Right"], "Right");
  const strategy = truncation.choice("strategy", ["LongestFirst", "OnlyFirst", "OnlySecond"]);
  const longest = truncation.count("max_length");
  truncation.count("stride");
  truncation.end();
  // Of a pair of texts the second; one text is none.
  return strategy === "OnlySecond" ? { cuts, pads } : { longest, cuts, pads };
}

/** Whether a single text is padded: to a fixed length, or to a multiple. */
function readPadding(padding: Section | undefined): boolean {
  if (padding === undefined) return false;
  const strategy: JsonValue | undefined = padding.value("strategy");
  const isFixed = isJsonObject(strategy) && Object.hasOwn(strategy, "Fixed");
  if (!isFixed && strategy !== "BatchLongest") padding.fail("strategy", "BatchLongest or {Fixed: length}");
  const multiple = padding.count("pad_to_multiple_of", 0);
  padding.choice("direction", ["Left", "Right"]);
  padding.ignore("pad_id", "pad_type_id", "pad_token");
  padding.end();
  return isFixed || multiple > 1;
}
