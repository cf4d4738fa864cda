import type { Value } from "../../ir/graph.ts";
import { append } from "../../support/lists.ts";
import { Refused } from "../table.ts";
import { WIDTH } from "../python/statement.ts";
import { isName, text } from "./python.ts";
import type { OwnedParameters } from "./site.ts";

/** What torch's modules have of their own, by names that a part of a model then cannot have. */
const reserved: ReadonlySet<string> = new Set(
  (
    "add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval extra_repr float " +
    "forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers " +
    "named_children named_modules named_parameters parameters register_buffer register_module register_parameter " +
    "requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad"
  ).split(" "),
);

/** A place too long for a line of its own is named before something is put there. */
function attachedLines(name: string, constructor: string): readonly string[] {
  const indent = " ".repeat(8);
  const whole = `${indent}${Modules.access(name)} = ${constructor}`;
  const parts = name.split(".");
  if (whole.length <= WIDTH || !isName(parts.at(-1)!)) return [whole];
  return [
    `${indent}place = ${Modules.access(parts.slice(0, -1).join("."))}`,
    `${indent}place.${parts.at(-1)!} = ${constructor}`,
  ];
}

/** The modules and parameters of one class, by the parts of their names. */
interface Branch {
  readonly children: Map<string, Branch>;
  /** How it is made, if it is one module or parameter. */
  made?: string;
  /** The parameters that its module has. */
  owned?: readonly string[];
  /** A list that a loop runs through. */
  isList?: boolean;
}

/** What is put into a module that is made by its own constructor. */
interface Attached {
  readonly name: string;
  readonly constructor: string;
  readonly owned: readonly string[];
}

const newBranch = (): Branch => ({ children: new Map() });

/** What a class's `__init__` makes. Names are relative to the class. */
export class Modules {
  readonly #root: Branch = newBranch();
  /** What is put into an element of a list that is made elsewhere. */
  readonly #attached: Attached[] = [];
  #usesGroups = false;

  /** Whether the name is free, or has the same constructor already. A module has parameters of its own. */
  add(name: string, constructor: string, owned: readonly string[] = []): boolean {
    const branch = this.#branch(name);
    if (branch === undefined) {
      const known = this.#attached.find((each) => each.name === name);
      if (known === undefined) this.#attached.push({ name, constructor, owned });
      return known === undefined || known.constructor === constructor;
    }
    if (branch.made !== undefined) return branch.made === constructor;
    if (owned.some((part) => branch.children.has(part))) return false;
    branch.made = constructor;
    branch.owned = owned;
    this.#attach(name, branch);
    return true;
  }

  /** A module without parameters, by a name that nothing in the model has: how it is read. */
  addFree(wanted: string, constructor: string, parameters: readonly { readonly name: string }[]): string {
    const taken = new Set(parameters.flatMap(({ name }) => name.split(".")));
    const isOther = (name: string): boolean =>
      taken.has(name) || (this.#root.children.get(name)?.made ?? constructor) !== constructor;
    let name = wanted;
    for (let number = 1; isOther(name); number++) name = `${wanted}_${number}`;
    this.add(name, constructor);
    return Modules.access(name);
  }

  addList(name: string, constructor: string): void {
    const branch = this.#branch(name);
    if (branch === undefined || branch.made !== undefined)
      throw new Refused("name", `two repeats of the name ${name}`);
    branch.made = constructor;
    branch.isList = true;
    this.#attach(name, branch);
  }

  /** Whether a module or a parameter of that name, or one that it belongs to, is made here. */
  has(name: string): boolean {
    const parts = name.split(".");
    const [last] = parts.slice(-1) as [string];
    let branch: Branch | undefined = this.#root;
    for (const [at, part] of parts.entries()) {
      branch = branch.children.get(part);
      if (branch === undefined) break;
      if (at === parts.length - 1 && branch.made !== undefined) return true;
      if (at === parts.length - 2 && branch.owned?.includes(last) === true) return true;
    }
    return this.#attached.some(
      (each) => each.name === name || each.owned.some((part) => `${each.name}.${part}` === name),
    );
  }

  /** Names of modules that stand in elements of lists: what reads them runs before the loop does. */
  get attached(): readonly string[] {
    return this.#attached.flatMap(({ name, owned }) => (owned.length > 0 ? [name] : []));
  }

  get usesGroups(): boolean {
    return this.#usesGroups;
  }

  /** `self.attn.q_proj`, `self.layer[0].mlp` */
  static access(name: string): string {
    let access = "self";
    for (const part of name.split("."))
      if (/^\d+$/.test(part)) access += `[${part}]`;
      else access = isName(part) ? `${access}.${part}` : `getattr(${access}, ${text(part)})`;
    return access;
  }

  lines(): string[] {
    const lines: string[] = [];
    for (const [name, branch] of this.#root.children) {
      const made = this.#construct(branch, name);
      const line = isName(name) ? `self.${name} = ${made}` : `setattr(self, ${text(name)}, ${made})`;
      lines.push(`        ${line}`);
    }
    for (const { name, constructor } of this.#attached) append(lines, attachedLines(name, constructor));
    return lines;
  }

  /** What lies under a list's name was put there before it was known to be one. */
  #attach(name: string, list: Branch): void {
    const walk = (branch: Branch, at: string): void => {
      const { made, owned = [] } = branch;
      if (branch !== list && made !== undefined) this.#attached.push({ name: at, constructor: made, owned });
      for (const [part, child] of branch.children) walk(child, `${at}.${part}`);
    };
    walk(list, name);
    list.children.clear();
  }

  /** Undefined for what lies in a list, or in a module. */
  #branch(name: string): Branch | undefined {
    let branch = this.#root;
    for (const part of name.split(".")) {
      if (branch.made !== undefined) return undefined;
      if (reserved.has(part)) throw new Refused("name", `a part of the model with the name ${part}`);
      let child = branch.children.get(part);
      if (child === undefined) branch.children.set(part, (child = newBranch()));
      branch = child;
    }
    return branch;
  }

  #construct(branch: Branch, name: string): string {
    if (branch.made !== undefined) return branch.made;
    const parts = [...branch.children];
    const isNumbered = parts.every(([part]) => /^\d+$/.test(part));
    if (isNumbered) return this.#list(parts, name);
    this.#usesGroups = true;
    const made = parts.map(([part, child]) => [part, this.#construct(child, `${name}.${part}`)] as const);
    const plain = made.filter(([part]) => isName(part)).map(([part, each]) => `${part}=${each}`);
    const odd = made.filter(([part]) => !isName(part)).map(([part, each]) => `${text(part)}: ${each}`);
    return `group(${[...plain, ...(odd.length === 0 ? [] : [`**{${odd.join(", ")}}`])].join(", ")})`;
  }

  #list(parts: readonly (readonly [string, Branch])[], name: string): string {
    const ordered = parts.toSorted(([a], [b]) => Number(a) - Number(b));
    if (ordered.some(([part], at) => Number(part) !== at))
      throw new Refused("name", `${name}, whose parts are numbers that do not count from 0`);
    const made = ordered.map(([part, child]) => this.#construct(child, `${name}.${part}`));
    if (made.length > 1 && made.every((each) => each === made[0]))
      return `nn.ModuleList(${made[0]!} for _ in range(${made.length}))`;
    return `nn.ModuleList([${made.join(", ")}])`;
  }
}

/** A module whose parameters have its usual names and stand in this class. */
export function ownModule(
  constructor: string,
  owned: OwnedParameters,
  prefix: string,
  parameters: ReadonlyMap<Value, string>,
  modules: Modules,
): string | undefined {
  const names = Object.entries(owned).flatMap(([part, value]) =>
    value === undefined ? [] : [{ part, full: parameters.get(value) }],
  );
  const bases = new Set(
    names.map(({ part, full }) =>
      full?.startsWith(prefix) === true && full.endsWith(`.${part}`)
        ? full.slice(0, -part.length - 1)
        : undefined,
    ),
  );
  const [base, ...others] = bases;
  if (base === undefined || others.length > 0 || base.length < prefix.length) return undefined;
  const name = base.slice(prefix.length);
  return modules.add(
    name,
    constructor,
    names.map(({ part }) => part),
  )
    ? Modules.access(name)
    : undefined;
}
