import { isJsonObject, type JsonValue } from "../../checkpoint/json.ts";
import { isCount, readKind, type Kinds, type Section } from "./section.ts";
import { checkId } from "./vocabulary.ts";

/** The ids that stand before and behind a text. */
export interface Around {
  readonly before: readonly number[];
  readonly behind: readonly number[];
}

const NOTHING: Around = { before: [], behind: [] };

/** What is put around one text; what the file says of pairs of texts is read too. */
export const readProcessor = (section: Section): Around => readKind(section, PROCESSORS);

/** As the structures of this name in `tokenizers::processors`. */
const PROCESSORS: Kinds<Around> = {
  BertProcessing: readClsAndSep,
  ByteLevel: (section) => {
    section.ignore("add_prefix_space", "trim_offsets", "use_regex");
    return NOTHING;
  },
  RobertaProcessing: (section) => {
    section.ignore("trim_offsets", "add_prefix_space");
    return readClsAndSep(section);
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

function readClsAndSep(section: Section): Around {
  const idOf = (key: string): number => {
    const [token, id, ...more] = section.list(key);
    if (typeof token !== "string" || !isCount(id) || more.length > 0)
      return section.fail(key, "a token and its id");
    checkId(id, `${section.path}.${key}`);
    return id;
  };
  return { before: [idOf("cls")], behind: [idOf("sep")] };
}

function readTemplate(section: Section): Around {
  const special = readSpecialTokens(section);
  const [parts] = (["single", "pair"] as const).map((key) => readParts(section, key, special));
  const at = parts!.indexOf("A");
  if (at < 0 || parts!.lastIndexOf("A") !== at || parts!.includes("B"))
    return section.refuse("single", "lmg reads a text once; it must hold `A` once, and no `B`");
  const idsOf = (around: readonly (readonly number[] | "A" | "B")[]): readonly number[] =>
    around.flatMap((part) => (typeof part === "string" ? [] : part));
  return { before: idsOf(parts!.slice(0, at)), behind: idsOf(parts!.slice(at + 1)) };
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
): readonly (readonly number[] | "A" | "B")[] {
  return section.sections(key).map((part) => {
    const sequence = part.optionalSection("Sequence");
    const inner = sequence ?? part.section("SpecialToken");
    part.end();
    inner.ignore("type_id");
    if (sequence !== undefined) {
      const id = sequence.choice("id", ["A", "B"]);
      sequence.end();
      return id;
    }
    const name = inner.string("id");
    inner.end();
    return special.get(name) ?? inner.fail("id", "one of `special_tokens`");
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
