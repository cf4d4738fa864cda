import type { ParameterDeclaration } from "../../language/ast.ts";
import type { Name } from "../../language/ast/expressions.ts";
import type { Span } from "../../support/source.ts";
import type { Meaning } from "../values/meaning.ts";
import type { Naming } from "./namings.ts";
import type { Observe } from "./observe.ts";

/** What a name means; `meaning` is undefined if it failed, which has been reported. */
export interface Binding {
  /** The name where it is bound; undefined for what no text of the model binds. */
  readonly span: Span | undefined;
  readonly meaning: Meaning | undefined;
  /** The `as NAME` or `NAME = …` that bound it, if one did. */
  readonly naming?: Naming;
}

/** A default that is worked out where it is first needed. */
interface Lazy {
  readonly span: Span;
  /** The name with its default. */
  readonly whole: Span;
  readonly make: () => Meaning | undefined;
  state: "waiting" | "working" | "done";
  meaning: Meaning | undefined;
}

interface Version {
  readonly time: number;
  readonly binding: Binding | Lazy;
}

/**
 * The one scope of a definition: parameters, dims, lets and values by name. A later binding hides an earlier one, but
 * the earlier ones stay, so that `h[2].name` can ask what `name` was when iteration 2 ended.
 */
export class Scope {
  readonly #versions = new Map<string, Version[]>();
  readonly #onCycle: (name: string, span: Span) => void;
  readonly #observe: Observe | undefined;
  #time = 0;

  constructor(onCycle: (name: string, span: Span) => void, observe?: Observe) {
    this.#onCycle = onCycle;
    this.#observe = observe;
  }

  get time(): number {
    return this.#time;
  }

  names(): Iterable<string> {
    return this.#versions.keys();
  }

  bind(name: string, meaning: Meaning | undefined, span: Span | undefined): void {
    this.#add(name, { span, meaning });
    this.#tell(name, span, meaning);
  }

  /** What some work gives while a name means something, which it does no longer behind it. */
  with<Result>({ text, span }: Name, meaning: Meaning, work: () => Result): Result {
    const count = this.#versions.get(text)?.length ?? 0;
    this.bind(text, meaning, span);
    const result = work();
    if (count === 0) this.#versions.delete(text);
    else this.#versions.get(text)!.length = count;
    return result;
  }

  bindNaming(naming: Naming, meaning: Meaning): void {
    const { text, span } = "name" in naming ? naming.name : naming;
    this.#add(text, { span, meaning, naming });
    this.#tell(text, span, meaning);
  }

  bindLazily({ name, span: whole }: ParameterDeclaration, make: () => Meaning | undefined): void {
    this.#add(name.text, { span: name.span, whole, make, state: "waiting", meaning: undefined });
  }

  /** The binding of a name, now or at an earlier time. */
  find(name: string, time = this.#time): Binding | undefined {
    const versions = this.#versions.get(name);
    if (versions === undefined) return undefined;
    let low = 0;
    let high = versions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (versions[middle]!.time <= time) low = middle + 1;
      else high = middle;
    }
    const version = versions[low - 1];
    return version === undefined ? undefined : this.#force(name, version.binding);
  }

  /** What a name means if that is known already: a default that nothing needed yet is not worked out. */
  known(name: string): Meaning | undefined {
    const binding = this.#versions.get(name)?.at(-1)?.binding;
    return binding === undefined || ("make" in binding && binding.state !== "done")
      ? undefined
      : binding.meaning;
  }

  /** Where a name is bound now, if it is; a default is not worked out for this. */
  placeOf(name: string): Span | undefined {
    return this.#versions.get(name)?.at(-1)?.binding.span;
  }

  /** True if a parameter was what its default says, and somebody asked for it. */
  tookDefault(name: string): boolean {
    const first = this.#versions.get(name)?.[0]?.binding;
    return first !== undefined && "make" in first && first.state === "done";
  }

  /** True if a name was bound (again) after a time. */
  isBoundSince(name: string, time: number): boolean {
    return (this.#versions.get(name)?.at(-1)?.time ?? 0) > time;
  }

  #add(name: string, binding: Binding | Lazy): void {
    const versions = this.#versions.get(name);
    const version = { time: ++this.#time, binding };
    if (versions === undefined) this.#versions.set(name, [version]);
    else versions.push(version);
  }

  #tell(name: string, span: Span | undefined, value: Meaning | undefined): void {
    if (span !== undefined) this.#observe?.(span, { kind: "definition", name, value });
  }

  #force(name: string, binding: Binding | Lazy): Binding {
    if (!("make" in binding)) return binding;
    if (binding.state === "working") {
      this.#onCycle(name, binding.whole);
      return { span: binding.span, meaning: undefined };
    }
    if (binding.state === "waiting") {
      binding.state = "working";
      binding.meaning = binding.make();
      binding.state = "done";
      this.#tell(name, binding.span, binding.meaning);
    }
    return binding;
  }
}
