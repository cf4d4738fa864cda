import { quote } from "../../checkpoint/problem.ts";
import type { Pattern } from "./pattern.ts";
import { programOf } from "./regex-program.ts";
import { classOfLetter, RegexReader } from "./regex-reader.ts";
import { Search } from "./regex-search.ts";
import { CharacterSet, choice, look, sequence, type Tree } from "./regex-tree.ts";
import { Unreadable } from "./section.ts";

/**
 * A pattern of Oniguruma (as Hugging Face's `tokenizers` has it: Ruby's syntax, no options); `where` names it in messages.
 * A construct that is not known to mean the same here is refused. Our own search takes the first way that matches, as
 * Oniguruma's does, in a time that no pattern makes grow faster than the text, which JavaScript's does not.
 */
export function compileRegex(pattern: string, where: string): Pattern {
  const refused = (why: string): never => {
    throw new Unreadable(
      `${quote(where)}: the pattern ${quote(pattern)} cannot be read: ${why}`,
      "write the pattern without it, in a way that matches the same texts",
    );
  };
  if (pattern.length > MAX_LENGTH)
    throw new Unreadable(
      `${quote(where)}: the pattern has ${pattern.length} characters; at most ${MAX_LENGTH} are read`,
    );
  const program = programOf(new Parser(pattern, refused).all(), refused);
  return (text) => {
    const search = new Search(program, text);
    return (from) => search.next(from);
  };
}

/** Characters of a pattern, and groups in groups. Published patterns have some hundred, and 3. */
const MAX_LENGTH = 10_000;
const MAX_DEPTH = 50;

/** What begins a group that does nothing but look around. */
const LOOKS = ["(?=", "(?!", "(?<=", "(?<!"];

/** Letters that fold to several others: these runs would match one character too, and the other way round. */
const LONG_FOLDS = /ss|st|ff|fi|fl/i;

/** A part of a pattern. */
interface Part {
  readonly tree: Tree;
  /** Whether it can match without taking a character; how such a part is repeated differs from library to library. */
  readonly mayBeEmpty: boolean;
}

/** What a repetition may follow. */
interface Atom extends Part {
  readonly literal?: string;
  /** It looks around and takes nothing. */
  readonly isPlace?: boolean;
}

const place = (tree: Tree): Atom => ({ tree, mayBeEmpty: true, isPlace: true });

class Parser extends RegexReader {
  readonly #sets = new Map<string, CharacterSet>();
  #foldsCase = false;
  #depth = 0;

  /** The whole pattern. */
  all(): Tree {
    if (this.take("(?i)")) this.#foldsCase = true;
    const { tree } = this.#alternatives();
    return this.isAtEnd() ? tree : this.refuse("a `)` closes nothing");
  }

  #alternatives(): Part {
    const parts = [this.#sequence()];
    while (this.take("|")) parts.push(this.#sequence());
    return {
      tree: choice(...parts.map(({ tree }) => tree)),
      mayBeEmpty: parts.some(({ mayBeEmpty }) => mayBeEmpty),
    };
  }

  #sequence(): Part {
    const parts: Tree[] = [];
    let mayBeEmpty = true;
    let run = "";
    while (!this.isAtEnd() && !this.sees("|") && !this.sees(")")) {
      const atom = this.#atom();
      run = atom.literal === undefined ? "" : run + atom.literal;
      if (this.#foldsCase && LONG_FOLDS.test(run))
        this.refuse(`\`(?i)\` would take one character for ${quote(run.slice(-3))}`);
      const part = this.#quantified(atom);
      if (part !== atom) run = "";
      parts.push(part.tree);
      mayBeEmpty &&= part.mayBeEmpty;
    }
    return { tree: sequence(...parts), mayBeEmpty };
  }

  #quantified(atom: Atom): Part {
    const quantifier = this.#quantifier();
    if (quantifier === undefined) return atom;
    if (atom.isPlace === true) this.refuse("a place in a text is repeated");
    if (atom.mayBeEmpty) this.refuse("what may be empty is repeated");
    const { least, most, isBraces } = quantifier;
    const repeated = (isLazy: boolean): Tree => ({ kind: "repeat", part: atom.tree, least, most, isLazy });
    let tree = repeated(false);
    // Ruby: `?+`, `*+` and `++` give nothing back; `{2}+` is a repetition of a repetition.
    if (this.take("+")) {
      if (isBraces && least === 0) this.refuse("what may be empty is repeated");
      tree = isBraces
        ? { kind: "repeat", part: tree, least: 1, most: Infinity, isLazy: false }
        : { kind: "atomic", part: tree };
    } else if (this.take("?")) {
      if (isBraces && least === most) this.refuse("`{n}?` is read in two ways");
      tree = repeated(true);
    }
    if (this.#quantifier() !== undefined) this.refuse("a repetition is repeated");
    return { tree, mayBeEmpty: least === 0 };
  }

  #quantifier(): Quantifier | undefined {
    const simple = SIMPLE.find(({ mark }) => this.take(mark));
    if (simple !== undefined) return simple;
    const braces = this.takeMatch(/\{(?:\d+(?:,\d*)?|,\d+)\}/y);
    if (braces === undefined) return undefined;
    const bounds = braces.slice(1, -1).split(",");
    const [first = "", second = first] = bounds;
    const [least, most] = [Number(first), second === "" ? Infinity : Number(second)];
    if (most < least) this.refuse(`${quote(braces)} counts backwards`);
    if (least > 100_000 || (most > 100_000 && most !== Infinity))
      this.refuse(`${quote(braces)} counts too far`);
    return { least, most, isBraces: true };
  }

  #atom(): Atom {
    if (this.sees("(")) return this.#group();
    if (this.sees("[")) return this.#character(this.bracket(this.#foldsCase));
    if (this.take(".")) return this.#character("[^\\n]");
    if (this.take("^"))
      return place(choice(this.#start, sequence(this.#beside("(?<=", "\\n"), this.#inside)));
    if (this.take("$")) return place(choice(this.#beside("(?=", "\\n"), this.#end));
    if (this.sees("\\")) return this.#escape();
    const literal = this.next();
    if ("*+?".includes(literal)) this.refuse(`${quote(literal)} repeats nothing`);
    return this.#literal(literal);
  }

  #escape(): Atom {
    if (this.take("\\A")) return place(this.#start);
    if (this.take("\\z")) return place(this.#end);
    if (this.take("\\Z")) return place(choice(this.#end, look("(?=", sequence(this.#set("\\n"), this.#end))));
    if (this.take("\\b")) return place(this.#boundary("(?=", "(?!"));
    if (this.take("\\B")) return place(this.#boundary("(?!", "(?="));
    const escaped = this.escape(this.#foldsCase);
    const { literal } = escaped;
    return literal === undefined ? this.#character(classOfLetter(escaped)) : this.#literal(literal);
  }

  #group(): Atom {
    if (this.takeMatch(/\(\?#[^)]*\)/y) !== undefined) return place(sequence());
    const before = this.#foldsCase;
    const opens = LOOKS.find((opening) => this.take(opening));
    const isAtomic = opens === undefined && this.take("(?>");
    if (opens === undefined && !isAtomic && !this.take("(?:")) {
      if (this.take("(?i:")) this.#foldsCase = true;
      else if (this.take("(?-i:")) this.#foldsCase = false;
      else if (this.takeMatch(/\(\?<[A-Za-z_]\w*>/y) === undefined && !this.#takeCapture())
        this.refuse(`the group ${quote(this.ahead(5))} is not known`);
    }
    if (++this.#depth > MAX_DEPTH) this.refuse(`groups stand more than ${MAX_DEPTH} deep in groups`);
    const { tree, mayBeEmpty } = this.#alternatives();
    if (!this.take(")")) this.refuse("a `(` is not closed");
    this.#depth--;
    this.#foldsCase = before;
    if (opens !== undefined) return place(look(opens, tree));
    return { tree: isAtomic ? { kind: "atomic", part: tree } : tree, mayBeEmpty };
  }

  /** `(`, which catches what nobody reads, as there are no references. */
  #takeCapture(): boolean {
    return !this.sees("(?") && this.take("(");
  }

  #literal(literal: string): Atom {
    return { ...this.#character(this.literal(literal, this.#foldsCase)), literal };
  }

  #character(source: string): Atom {
    return { tree: this.#set(source), mayBeEmpty: false };
  }

  #set(source: string): Tree {
    let set = this.#sets.get(source);
    if (set === undefined)
      try {
        this.#sets.set(source, (set = new CharacterSet(source)));
      } catch {
        return this.refuse(`JavaScript has no set of characters ${quote(source)}`);
      }
    return { kind: "set", set };
  }

  /** Whether a character of a set stands before or behind a place. */
  #beside(opens: string, source: string): Tree {
    return look(opens, this.#set(source));
  }

  get #start(): Tree {
    return this.#beside("(?<!", "[^]");
  }

  get #end(): Tree {
    return this.#beside("(?!", "[^]");
  }

  get #inside(): Tree {
    return this.#beside("(?=", "[^]");
  }

  /** Between a character of a word and none (`\b`), or not (`\B`): what must follow where a word begins, and else. */
  #boundary(afterNone: string, afterWord: string): Tree {
    const word = classOfLetter({ letter: "w" });
    return choice(
      sequence(this.#beside("(?<!", word), this.#beside(afterNone, word)),
      sequence(this.#beside("(?<=", word), this.#beside(afterWord, word)),
    );
  }
}

/** How often a part is repeated. */
interface Quantifier {
  readonly least: number;
  readonly most: number;
  readonly isBraces: boolean;
}

const SIMPLE = [
  { mark: "*", least: 0, most: Infinity, isBraces: false },
  { mark: "+", least: 1, most: Infinity, isBraces: false },
  { mark: "?", least: 0, most: 1, isBraces: false },
];
