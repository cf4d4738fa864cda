import type { StepOf } from "../../../plan/plan.ts";
import type { View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { divideDims } from "../../../tensor/dim.ts";
import type { Shape } from "../../../tensor/type.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { Context, WgslKernel } from "../kernel.ts";
import { forLoop } from "../text.ts";
import { eachElement, LIST_SIZE } from "../walk.ts";

/** A channel of a head's values an invocation, which walks the positions and holds a column of S in its result. */
export const linear_attend: WgslKernel<"linear_attend"> = ({ operands, results }, context) => {
  const [out, last] = results as readonly [View, View];
  const heads = new Heads(operands, operands, { out, last }, context);
  const { at, put } = heads;
  const body = [
    ...heads.each(["b", "h", "j"]),
    ...heads.group,
    ...forLoop("i", "keys", [put("last", "b h i j", heads.first)]),
    ...forLoop("t", "rows", [
      ...heads.fallOfRow,
      ...heads.change(at("last", "b h i j")),
      "var sum = 0.0;",
      ...forLoop("i", "keys", [
        `let next = ${heads.fall} * ${at("last", "b h i j")} + ${at("k", "b g t i")} * change;`,
        put("last", "b h i j", "next"),
        `sum += next * ${at("q", "b g t i")};`,
      ]),
      put("out", "b h t j", "sum"),
    ]),
  ];
  const doc =
    "A matrix a head that falls, takes what is new at each position, and is read. A column an invocation.";
  return [heads.finish("linear_attend", doc, body)];
};

type Operands = StepOf<"linear_attend">["operands"];
type Named = Readonly<Record<string, View | undefined>>;

/** The sizes of a linear attention and its tensors by the letters of their axes: b, g or h, t, i (keys), j (values). */
export class Heads {
  readonly builder: KernelBuilder;
  readonly #operands: Operands;
  readonly #tensors = new Map<string, Tensor>();
  readonly #strides = new Map<string, readonly ((index: string) => string)[]>();
  readonly #sizes: Readonly<Record<string, Shape[number]>>;
  #groups: ReturnType<typeof eachElement>["groups"] | undefined;

  /** `reads` are the tensors that this kernel reads, of the operands and others. */
  constructor(operands: Operands, reads: Named, writes: Named, context: Context) {
    this.builder = new KernelBuilder(context);
    this.#operands = operands;
    const [batch, groups, rows, keys] = operands.q.type.shape;
    const [, heads, , width] = operands.v.type.shape;
    this.#sizes = { b: batch!, g: groups!, h: heads!, t: rows!, i: keys!, j: width! };
    const tensors: Readonly<Record<string, Tensor | undefined>> = this.builder.tensors(reads, writes);
    for (const [name, tensor] of Object.entries(tensors)) {
      if (tensor === undefined) continue;
      this.#tensors.set(name, tensor);
      this.#strides.set(
        name,
        tensor.view.strides.map((stride, axis) => this.builder.strides(`${name}_step${axis}`, stride)),
      );
    }
    const names = { rows: rows!, keys: keys!, width: width!, heads: heads!, key_heads: groups! };
    for (const [name, size] of Object.entries(names)) this.builder.size(name, size);
    this.builder.size("members", divideDims(heads!, groups!)!);
  }

  /** One invocation an element of the axes of some letters, of which each is given its index. */
  each(letters: readonly string[]): Code[] {
    const shape = letters.map((letter) => this.#sizes[letter]!);
    const { lines, groups } = eachElement(this.builder, shape, "element");
    this.#groups = groups;
    const sizes: Readonly<Record<string, string>> = {
      g: "key_heads",
      h: "heads",
      t: "rows",
      i: "keys",
      j: "width",
    };
    const indices: Code[] = [];
    let rest = "element";
    for (const letter of letters.toReversed()) {
      const size = sizes[letter];
      indices.push(`let ${letter} = ${size === undefined ? rest : `(${rest}) % ${size}`};`);
      if (size !== undefined) rest = `${rest} / ${size}`;
    }
    return [...lines, ...indices];
  }

  /** The head of q and k that serves a head of v. */
  readonly group: Code[] = ["let g = h / members;"];

  #place(name: string, letters: string): string {
    const strides = this.#strides.get(name)!;
    const terms = letters.split(" ").flatMap((letter, axis) => strides[axis]!(letter) || []);
    return terms.length === 0 ? "0u" : terms.join(" + ");
  }

  /** Whether there is such an operand. */
  has(name: "decay" | "beta" | "state"): boolean {
    return this.#operands[name] !== undefined;
  }

  readonly at = (name: string, letters: string): string =>
    this.#tensors.get(name)!.at(this.#place(name, letters));

  readonly put = (name: string, letters: string, value: string): string =>
    this.#tensors.get(name)!.put(this.#place(name, letters), value);

  get isByChannel(): boolean {
    return this.#operands.decay?.type.shape.length === 4;
  }

  /** What S is before the first position. */
  get first(): string {
    return this.has("state") ? this.at("state", "b h i j") : "0.0";
  }

  /** `fall`: by what S is multiplied at a position, if that is one number. */
  get fallOfRow(): Code[] {
    return this.has("decay") && !this.isByChannel ? [`let fall = exp(${this.at("decay", "b h t")});`] : [];
  }

  /** By what the row of S of a channel of the keys is multiplied. */
  get fall(): string {
    if (!this.has("decay")) return "1.0";
    return this.isByChannel ? `exp(${this.at("decay", "b h t i")})` : "fall";
  }

  /** `error`: a value beside what S knows of it; `change`: what S takes of that, times k. */
  change(before: string): Code[] {
    const value = this.at("v", "b h t j");
    if (!this.has("beta")) return [`let error = ${value};`, "let change = error;"];
    return [
      "var known = 0.0;",
      ...forLoop("i", "keys", [`known += ${this.fall} * ${before} * ${this.at("k", "b g t i")};`]),
      `let error = ${value} - known;`,
      `let change = ${this.at("beta", "b h t")} * error;`,
    ];
  }

  finish(op: string, doc: string, body: readonly Code[], stage?: number) {
    const words = [
      ...(this.has("decay") ? [this.isByChannel ? "channel_decay" : "decay"] : []),
      ...(["beta", "state"] as const).filter((name) => this.has(name)),
    ];
    return this.builder.finish({
      ...(stage === undefined ? {} : { stage }),
      name: [op, ...words].join("_"),
      doc: [doc],
      body,
      workgroup: [LIST_SIZE],
      groups: this.#groups!,
    });
  }
}
