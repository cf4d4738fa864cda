import type { StepOf } from "../../../plan/plan.ts";
import type { Code } from "../../../support/text.ts";
import { dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import { forLoop, ifThen } from "../text.ts";
import {
  axesOf,
  declareScores,
  rowPlace,
  scoreLines,
  scorePlace,
  type AttendAttributes,
  type Axes,
} from "./scores.ts";

/** Queries or keys of a turn: an invocation each. */
export const TURN = 32;

/** Bytes of workgroup memory that rows of queries and gradients (or of keys and values) may take. */
const ROW_BYTES = 12 * 2 ** 10;

/** Rows of a workgroup: fewer where heads are wide. */
export const rowsFor = (width: number, valueWidth: number): number =>
  8 * (width + valueWidth) * 4 <= ROW_BYTES ? 8 : 4;

/** Numbers that the first stage leaves for each query row: the largest score, 1 / Σ exp, and Σ p · (grad vᵀ). */
const LEFT = 3;

export type AttendGrad = StepOf<"attend_grad">;

/** The operands of a stage under their names, and what every stage says of scores. */
export class Stage {
  readonly builder: KernelBuilder;
  readonly attrs: AttendAttributes;
  readonly query: Axes;
  readonly key: Axes;
  readonly value: Axes;
  readonly grad: Axes;
  readonly sizes: ReturnType<typeof declareScores>;
  readonly score: ReturnType<typeof scoreLines>;
  readonly #b: string;
  readonly #places = new Map<string, ReturnType<typeof rowPlace>>();

  constructor(
    { operands, attrs }: AttendGrad,
    tensors: { readonly bias: Tensor | undefined; readonly mask: Tensor | undefined },
    builder: KernelBuilder,
    b: string,
  ) {
    const { q, k, v, grad, bias, mask } = operands;
    [this.query, this.key, this.value, this.grad] = [q, k, v, grad].map((view) =>
      axesOf(view, attrs.layout),
    ) as [Axes, Axes, Axes, Axes];
    this.builder = builder;
    this.attrs = attrs;
    this.#b = b;
    this.sizes = declareScores(builder, this.query, this.key, attrs);
    builder.declare(`const width = ${this.query.width}u;`, `const value_width = ${this.value.width}u;`);
    this.score = scoreLines(builder, attrs, {
      bias: bias && tensors.bias?.at(scorePlace(builder, "bias", bias, b)),
      mask: mask && tensors.mask?.at(scorePlace(builder, "mask", mask, b)),
    });
  }

  /** Where the row of an operand begins. */
  place(name: "q" | "k" | "v" | "grad", row: string): string {
    const axes = { q: this.query, k: this.key, v: this.value, grad: this.grad }[name];
    let place = this.#places.get(name);
    if (place === undefined) this.#places.set(name, (place = rowPlace(this.builder, name, axes)));
    return place(this.#b, name === "k" || name === "v" ? "g" : "h", row);
  }

  /** Where the numbers of query i lie. */
  leftAt(i: string): string {
    const { heads, queries } = this.sizes;
    return `((${this.#b} * ${heads} + h) * ${queries} + ${i}) * ${LEFT}u`;
  }

  condition(...bounds: readonly string[]): string {
    return [...bounds, ...this.score.conditions].join(" && ");
  }

  /** The key at which the first query stands. */
  behind(): string {
    return `let behind = i32(${this.sizes.keys}) - i32(${this.sizes.queries});`;
  }
}

/** `let total = …` of products of two rows. */
export const dotLines = (
  name: string,
  width: string,
  a: (c: string) => string,
  b: (c: string) => string,
): Code[] => [`var ${name} = 0.0;`, ...forLoop("c", width, [`${name} += ${a("c")} * ${b("c")};`])];

/** Brings rows of a tensor to the workgroup as f32, zeros past the last. */
export const loadRows = (
  memory: string,
  {
    tensor,
    at,
    width,
  }: { readonly tensor: Tensor; readonly at: (row: string) => string; readonly width: string },
  rows: number,
  count: string,
): Code[] =>
  forLoop(
    "e",
    `${rows}u * ${width}`,
    [
      `let row = first + e / ${width};`,
      "var element = 0.0;",
      ...ifThen(`row < ${count}`, [`element = ${tensor.at(`${at("row")} + e % ${width}`)};`]),
      `${memory}[e] = element;`,
    ],
    { start: "lane", step: `${rows * TURN}u` },
  );

/** The channels that an invocation has: s, s + 32, … */
export const overChannels = (held: number, width: number, body: readonly Code[]): Code[] =>
  forLoop("n", `${held}u`, width % TURN === 0 ? body : ifThen(`s + n * ${TURN}u < ${width}u`, body));

export const heldOf = (width: number): number => Math.ceil(width / TURN);

export const declareStage = (builder: KernelBuilder, rows: number, memories: readonly string[]): void => {
  for (const memory of memories) builder.shared(memory, "f32", rows * TURN);
  builder.builtin("group", "lane");
};

export const leftSize = ({ query }: { readonly query: Axes }): Dim =>
  multiplyDims(productOfDims([query.batch.size, query.head.size, query.row.size]), dim(LEFT));
