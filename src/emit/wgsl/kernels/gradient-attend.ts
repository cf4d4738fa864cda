import type { StepOf } from "../../../plan/plan.ts";
import type { View } from "../../../plan/view.ts";
import type { Code } from "../../../support/text.ts";
import { dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { elementsOf, type Shape } from "../../../tensor/type.ts";
import { isUnit, KernelBuilder, type Tensor } from "../builder.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import { eachElement, LIST_SIZE } from "../walk.ts";
import {
  attendWords,
  axesOf,
  declareScores,
  rowPlace,
  scoreLines,
  scorePlace,
  type AttendAttributes,
  type Axes,
} from "./scores.ts";

/** Queries or keys of a turn: an invocation each. */
const TURN = 32;

/** Bytes of workgroup memory that rows of queries and gradients (or of keys and values) may take. */
const ROW_BYTES = 12 * 2 ** 10;

/** Rows of a workgroup: fewer where heads are wide. */
const rowsFor = (width: number, valueWidth: number): number =>
  8 * (width + valueWidth) * 4 <= ROW_BYTES ? 8 : 4;

/** Numbers that the first stage leaves for each query row: the largest score, 1 / Σ exp, and Σ p · (grad vᵀ). */
const LEFT = 3;

type Step = StepOf<"attend_grad">;

/**
 * Three stages, none of which writes the T × T matrix of probabilities: each makes the scores it needs again (Dao et al.
 * 2022). By query rows: grad_q, and three numbers a row; by key rows: grad_k and grad_v; by elements of a bias:
 * grad_bias. Every sum has one order, so that a step has the same bits each time.
 */
export const attend_grad: WgslKernel<"attend_grad"> = (step, context) => {
  const { bias, mask } = step.operands;
  const [ofQ, ofK, ofV, ofBias] = step.results as readonly [View, View, View, View | undefined];
  const together = bias === undefined || mask === undefined;
  return [
    byQueries(step, ofQ, context),
    ...(together
      ? [byKeys(step, { ofK, ofV }, 1, context)]
      : [byKeys(step, { ofK }, 1, context), byKeys(step, { ofV }, 2, context)]),
    ...(ofBias === undefined ? [] : [byBias(step, ofBias, together ? 2 : 3, context)]),
  ];
};

/** The operands of a stage under their names, and what every stage says of scores. */
class Stage {
  readonly builder: KernelBuilder;
  readonly attrs: AttendAttributes;
  readonly query: Axes;
  readonly key: Axes;
  readonly value: Axes;
  readonly grad: Axes;
  readonly left: Pick<Tensor, "at" | "put">;
  readonly sizes: ReturnType<typeof declareScores>;
  readonly score: ReturnType<typeof scoreLines>;
  readonly #b: string;
  readonly #places = new Map<string, ReturnType<typeof rowPlace>>();

  constructor(
    { operands, attrs }: Step,
    tensors: { readonly bias: Tensor | undefined; readonly mask: Tensor | undefined },
    builder: KernelBuilder,
    left: Stage["left"],
    b: string,
  ) {
    const { q, k, v, grad, bias, mask } = operands;
    [this.query, this.key, this.value, this.grad] = [q, k, v, grad].map((view) =>
      axesOf(view, attrs.layout),
    ) as [Axes, Axes, Axes, Axes];
    this.builder = builder;
    this.attrs = attrs;
    this.left = left;
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
const dotLines = (
  name: string,
  width: string,
  a: (c: string) => string,
  b: (c: string) => string,
): Code[] => [`var ${name} = 0.0;`, ...forLoop("c", width, [`${name} += ${a("c")} * ${b("c")};`])];

/** Brings rows of a tensor to the workgroup as f32, zeros past the last. */
const loadRows = (
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
const overChannels = (held: number, width: number, body: readonly Code[]): Code[] =>
  forLoop("n", `${held}u`, width % TURN === 0 ? body : ifThen(`s + n * ${TURN}u < ${width}u`, body));

const heldOf = (width: number): number => Math.ceil(width / TURN);

const declareStage = (builder: KernelBuilder, rows: number, memories: readonly string[]): void => {
  for (const memory of memories) builder.shared(memory, "f32", rows * TURN);
  builder.builtin("group", "lane");
};

/** The keys that some query of the workgroup sees. */
function keyRange({ causal, window }: AttendAttributes, rows: number, keys: string): Code[] {
  const last = `i32(first) + ${rows}i + behind`;
  const end = causal ? last : window === undefined ? undefined : `${last} + ${window - 1}i`;
  const begin = window === undefined ? undefined : `i32(first) + behind - ${window - 1}i`;
  const within = (at: string): string => `u32(clamp(${at}, 0i, i32(${keys})))`;
  return [
    `let begin = ${begin === undefined ? "0u" : within(begin)};`,
    `let end = ${end === undefined ? keys : within(end)};`,
  ];
}

/** The queries that see some key of the workgroup. */
function queryRange({ causal, window }: AttendAttributes, rows: number, queries: string): Code[] {
  const least = causal
    ? "i32(first) - behind"
    : window === undefined
      ? undefined
      : `i32(first) - behind - ${window - 1}i`;
  const most = window === undefined ? undefined : `i32(first) + ${rows - 1}i - behind + ${window}i`;
  const within = (at: string): string => `u32(clamp(${at}, 0i, i32(${queries})))`;
  return [
    `let begin = ${least === undefined ? "0u" : within(least)};`,
    `let end = ${most === undefined ? queries : within(most)};`,
  ];
}

const leftSize = ({ query }: { readonly query: Axes }): Dim =>
  multiplyDims(productOfDims([query.batch.size, query.head.size, query.row.size]), dim(LEFT));

/**
 * Online over the keys, as forward: with p the unnormalized probabilities and d = grad vᵀ, grad_q = scale · (Σ p d k -
 * mean · Σ p k) / Σ p with mean = Σ p d / Σ p; under a cap each key's part is multiplied by the cap's slope.
 */
function byQueries(step: Step, ofQ: View, context: Context): Dispatch {
  const { operands, attrs } = step;
  const builder = new KernelBuilder(context);
  const left = builder.scratch(leftSize({ query: axesOf(operands.q, attrs.layout) }));
  const tensors = builder.tensors(operands, { of_q: ofQ });
  const stage = new Stage(step, tensors, builder, left, "group.z");
  const { query, value, sizes, score } = stage;
  const rows = rowsFor(query.width, value.width);
  const held = heldOf(query.width);
  builder.shared("q_rows", "f32", rows * query.width);
  builder.shared("grad_rows", "f32", rows * value.width);
  const caps = score.slope !== undefined;
  declareStage(builder, rows, ["scores", "weights", "pulls", ...(caps ? ["cap_slopes"] : [])]);
  const slope = caps ? ` * cap_slopes[r * ${TURN}u + other]` : "";
  const body: Code[] = [
    "let h = group.y;",
    `let g = h / (${sizes.heads} / ${sizes.keyHeads});`,
    `let first = group.x * ${rows}u;`,
    `let r = lane / ${TURN}u;`,
    `let s = lane % ${TURN}u;`,
    "let i = first + r;",
    ...loadRows(
      "q_rows",
      { tensor: tensors.q, at: (row) => stage.place("q", row), width: "width" },
      rows,
      sizes.queries,
    ),
    ...loadRows(
      "grad_rows",
      { tensor: tensors.grad, at: (row) => stage.place("grad", row), width: "value_width" },
      rows,
      sizes.queries,
    ),
    "workgroupBarrier();",
    stage.behind(),
    "let position = i32(i) + behind;",
    ...keyRange(attrs, rows, sizes.keys),
    "var largest = hidden;",
    "var total = 0.0;",
    "var along = 0.0;",
    `var pulled: array<f32, ${held}>;`,
    `var seen: array<f32, ${held}>;`,
    ...forLoop(
      "start",
      "end",
      [
        "let j = start + s;",
        "var score = hidden;",
        "var pull = 0.0;",
        ...(caps ? ["var cap_slope = 0.0;"] : []),
        ...ifThen(stage.condition("j < end", `i < ${sizes.queries}`), [
          `let k_at = ${stage.place("k", "j")};`,
          `let v_at = ${stage.place("v", "j")};`,
          ...dotLines(
            "product",
            "width",
            (c) => `q_rows[r * width + ${c}]`,
            (c) => tensors.k.at(`k_at + ${c}`),
          ),
          ...score.lines,
          ...(caps ? [`cap_slope = ${score.slope};`] : []),
          ...forLoop("c", "value_width", [
            `pull += grad_rows[r * value_width + c] * ${tensors.v.at("v_at + c")};`,
          ]),
        ]),
        "scores[lane] = score;",
        "workgroupBarrier();",
        "let before = largest;",
        ...forLoop("other", `${TURN}u`, [`largest = max(largest, scores[r * ${TURN}u + other]);`]),
        "let own_weight = select(exp(score - largest), 0.0, score == hidden);",
        "weights[lane] = own_weight;",
        "pulls[lane] = own_weight * pull;",
        ...(caps ? ["cap_slopes[lane] = cap_slope;"] : []),
        "let shrink = exp(before - largest);",
        "total *= shrink;",
        "along *= shrink;",
        ...forLoop("n", `${held}u`, ["pulled[n] *= shrink;", "seen[n] *= shrink;"]),
        "workgroupBarrier();",
        ...forLoop("other", `min(${TURN}u, end - start)`, [
          `let weight = weights[r * ${TURN}u + other];`,
          "// A hidden key has no part, whatever its value: not even 0 · NaN.",
          ...ifThen("weight == 0.0", ["continue;"]),
          "total += weight;",
          `along += pulls[r * ${TURN}u + other];`,
          `let key_at = ${stage.place("k", "(start + other)")} + s;`,
          ...overChannels(held, query.width, [
            `let element = ${tensors.k.at(`key_at + n * ${TURN}u`)};`,
            `pulled[n] += pulls[r * ${TURN}u + other]${slope} * element;`,
            `seen[n] += weight${slope} * element;`,
          ]),
        ]),
      ],
      { start: "begin", step: `${TURN}u` },
    ),
    ...ifThen(`i >= ${sizes.queries}`, ["return;"]),
    "let share = select(1.0 / total, 0.0, total == 0.0);",
    "let mean = along * share;",
    `let of_q_at = ${rowPlace(builder, "of_q", axesOf(ofQ, attrs.layout))("group.z", "h", "i")} + s;`,
    ...overChannels(held, query.width, [
      tensors.of_q.put(
        `of_q_at + n * ${TURN}u`,
        `${floatText(attrs.scale)} * share * (pulled[n] - mean * seen[n])`,
      ),
    ]),
    ...ifThen("s == 0u", [
      `let left_at = ${stage.leftAt("i")};`,
      left.put("left_at", "largest"),
      left.put("left_at + 1u", "share"),
      left.put("left_at + 2u", "mean"),
    ]),
  ];
  return builder.finish({
    stage: 0,
    name: ["attend_grad_q", ...attendWords(attrs, operands)].join("_"),
    doc: [
      `The gradient of attention for its queries: ${rows} rows of a head a workgroup, ${TURN} keys a turn.`,
    ],
    body,
    workgroup: [rows * TURN],
    groups: {
      kind: "grid",
      axes: [
        { count: query.row.size, per: rows },
        { count: query.head.size, per: 1 },
        { count: query.batch.size, per: 1 },
      ],
    },
  });
}

/** Key rows of a head for all queries that see them; the heads of queries that share a head of keys come one by one. */
function byKeys(
  step: Step,
  { ofK, ofV }: { readonly ofK?: View; readonly ofV?: View },
  number: number,
  context: Context,
): Dispatch {
  const { operands, attrs } = step;
  const { grad, q, k, v, bias, mask } = operands;
  const builder = new KernelBuilder(context);
  const left = builder.scratch(leftSize({ query: axesOf(q, attrs.layout) }));
  const tensors = builder.tensors({ grad, q, k, v: ofK && v, bias, mask }, { of_k: ofK, of_v: ofV });
  const stage = new Stage(step, tensors, builder, left, "group.z");
  const { query, key, value, sizes, score } = stage;
  const rows = rowsFor(key.width, value.width);
  const [held, valueHeld] = [heldOf(key.width), heldOf(value.width)];
  builder.shared("k_rows", "f32", rows * key.width);
  if (ofK) builder.shared("v_rows", "f32", rows * value.width);
  declareStage(builder, rows, [...(ofK ? ["slopes_of"] : []), ...(ofV ? ["weights"] : [])]);
  const caps = score.slope !== undefined;
  const row = `r * ${TURN}u + other`;
  const body: Code[] = [
    "let g = group.y;",
    `let first = group.x * ${rows}u;`,
    `let r = lane / ${TURN}u;`,
    `let s = lane % ${TURN}u;`,
    "let j = first + r;",
    ...loadRows(
      "k_rows",
      { tensor: tensors.k, at: (at) => stage.place("k", at), width: "width" },
      rows,
      sizes.keys,
    ),
    ...(tensors.v
      ? loadRows(
          "v_rows",
          { tensor: tensors.v, at: (at) => stage.place("v", at), width: "value_width" },
          rows,
          sizes.keys,
        )
      : []),
    "workgroupBarrier();",
    stage.behind(),
    ...queryRange(attrs, rows, sizes.queries),
    ...(ofK ? [`var result: array<f32, ${held}>;`] : []),
    ...(ofV ? [`var value_result: array<f32, ${valueHeld}>;`] : []),
    `let heads_each = ${sizes.heads} / ${sizes.keyHeads};`,
    ...forLoop(
      "h",
      "(g + 1u) * heads_each",
      forLoop(
        "start",
        "end",
        [
          "let i = start + s;",
          "let position = i32(i) + behind;",
          "var weight = 0.0;",
          ...(ofK ? ["var slope = 0.0;"] : []),
          ...ifThen(stage.condition("i < end", `j < ${sizes.keys}`), [
            `let q_at = ${stage.place("q", "i")};`,
            ...dotLines(
              "product",
              "width",
              (c) => tensors.q.at(`q_at + ${c}`),
              (c) => `k_rows[r * width + ${c}]`,
            ),
            "var score = 0.0;",
            ...score.lines,
            `let left_at = ${stage.leftAt("i")};`,
            `weight = exp(score - ${left.at("left_at")}) * ${left.at("left_at + 1u")};`,
            ...(ofK
              ? [
                  `let grad_row = ${stage.place("grad", "i")};`,
                  ...dotLines(
                    "pull",
                    "value_width",
                    (c) => tensors.grad.at(`grad_row + ${c}`),
                    (c) => `v_rows[r * value_width + ${c}]`,
                  ),
                  `slope = ${floatText(attrs.scale)} * weight * (pull - ${left.at("left_at + 2u")})${caps ? ` * (${score.slope})` : ""};`,
                ]
              : []),
          ]),
          ...(ofK ? ["slopes_of[lane] = slope;"] : []),
          ...(ofV ? ["weights[lane] = weight;"] : []),
          "workgroupBarrier();",
          ...forLoop("other", `min(${TURN}u, end - start)`, [
            ...(tensors.of_k
              ? [
                  `let slope_of = slopes_of[${row}];`,
                  "// A query that does not see the key has no part, whatever its value: not even 0 · NaN.",
                  ...ifThen("slope_of != 0.0", [
                    `let query_at = ${stage.place("q", "(start + other)")} + s;`,
                    ...overChannels(held, key.width, [
                      `result[n] += slope_of * ${tensors.q.at(`query_at + n * ${TURN}u`)};`,
                    ]),
                  ]),
                ]
              : []),
            ...(tensors.of_v
              ? [
                  `let weight_of = weights[${row}];`,
                  ...ifThen("weight_of != 0.0", [
                    `let grad_at = ${stage.place("grad", "(start + other)")} + s;`,
                    ...overChannels(valueHeld, value.width, [
                      `value_result[n] += weight_of * ${tensors.grad.at(`grad_at + n * ${TURN}u`)};`,
                    ]),
                  ]),
                ]
              : []),
          ]),
          "workgroupBarrier();",
        ],
        { start: "begin", step: `${TURN}u` },
      ),
      { start: "g * heads_each" },
    ),
    ...ifThen(`j >= ${sizes.keys}`, ["return;"]),
    ...(tensors.of_k && ofK
      ? [
          `let of_k_at = ${rowPlace(builder, "of_k", axesOf(ofK, attrs.layout))("group.z", "g", "j")} + s;`,
          ...overChannels(held, key.width, [tensors.of_k.put(`of_k_at + n * ${TURN}u`, "result[n]")]),
        ]
      : []),
    ...(tensors.of_v && ofV
      ? [
          `let of_v_at = ${rowPlace(builder, "of_v", axesOf(ofV, attrs.layout))("group.z", "g", "j")} + s;`,
          ...overChannels(valueHeld, value.width, [
            tensors.of_v.put(`of_v_at + n * ${TURN}u`, "value_result[n]"),
          ]),
        ]
      : []),
  ];
  const which = `${ofK ? "k" : ""}${ofV ? "v" : ""}`;
  return builder.finish({
    stage: number,
    name: [`attend_grad_${which}`, ...attendWords(attrs, operands)].join("_"),
    doc: [
      `The gradient of attention for its keys and values (${which}): ${rows} rows of a head a workgroup.`,
    ],
    body,
    workgroup: [rows * TURN],
    groups: {
      kind: "grid",
      axes: [
        { count: key.row.size, per: rows },
        { count: key.head.size, per: 1 },
        { count: query.batch.size, per: 1 },
      ],
    },
  });
}

/** Each element of the bias adds up what reaches it from all scores that it was stretched to. */
function byBias(step: Step, ofBias: View, number: number, context: Context): Dispatch {
  const { operands, attrs } = step;
  const builder = new KernelBuilder(context);
  const left = builder.scratch(leftSize({ query: axesOf(operands.q, attrs.layout) }));
  const tensors = builder.tensors(operands, { of_bias: ofBias });
  const stage = new Stage(step, tensors, builder, left, "b");
  const { query, key, sizes, score } = stage;
  const full: Shape = [query.batch.size, query.head.size, query.row.size, key.row.size];
  const own = [...Array.from({ length: 4 - ofBias.type.shape.length }, () => dim(1)), ...ofBias.type.shape];
  const each = eachElement(builder, [elementsOf(ofBias.type)], "element");
  const [lines, loops] = bounds(builder, own, full);
  const scored: Code[] = [
    `let g = h / (${sizes.heads} / ${sizes.keyHeads});`,
    `let q_at = ${stage.place("q", "i")};`,
    `let k_at = ${stage.place("k", "j")};`,
    `let v_at = ${stage.place("v", "j")};`,
    `let grad_at = ${stage.place("grad", "i")};`,
    ...dotLines(
      "product",
      "width",
      (c) => tensors.q.at(`q_at + ${c}`),
      (c) => tensors.k.at(`k_at + ${c}`),
    ),
    "var score = 0.0;",
    ...score.lines,
    ...dotLines(
      "pull",
      "value_width",
      (c) => tensors.grad.at(`grad_at + ${c}`),
      (c) => tensors.v.at(`v_at + ${c}`),
    ),
    `let left_at = ${stage.leftAt("i")};`,
    `sum += exp(score - ${left.at("left_at")}) * ${left.at("left_at + 1u")} * (pull - ${left.at("left_at + 2u")});`,
  ];
  const body: Code[] = [
    ...each.lines,
    ...lines,
    stage.behind(),
    "var sum = 0.0;",
    ...loops([
      "let position = i32(i) + behind;",
      ...(score.conditions.length === 0 ? scored : ifThen(stage.condition(), scored)),
    ]),
    tensors.of_bias.put("element", "sum"),
  ];
  return builder.finish({
    stage: number,
    name: ["attend_grad_bias", ...attendWords(attrs, operands)].join("_"),
    doc: ["The gradient of attention's bias. An element an invocation."],
    body,
    workgroup: [LIST_SIZE],
    groups: each.groups,
  });
}

const axisNames = ["b", "h", "i", "j"] as const;

/** Splits `element` into the axes that the bias has, and loops over those that it was stretched along. */
function bounds(
  builder: KernelBuilder,
  own: Shape,
  full: Shape,
): readonly [lines: Code[], loops: (inner: readonly Code[]) => readonly Code[]] {
  const lines: Code[] = [];
  const kept = axisNames.map((name, axis) => ({ name, axis })).filter(({ axis }) => !isUnit(own[axis]!));
  let rest = "element";
  for (const { name, axis } of kept.toReversed()) {
    const size = builder.size(`own_${name}`, own[axis]!);
    lines.push(`let ${name} = ${rest} % ${size};`, `let above_${name} = ${rest} / ${size};`);
    rest = `above_${name}`;
  }
  const stretched = axisNames.map((name, axis) => ({ name, axis })).filter(({ axis }) => isUnit(own[axis]!));
  const loops = (inner: readonly Code[]): readonly Code[] =>
    stretched.reduceRight<readonly Code[]>(
      (code, { name, axis }) => forLoop(name, builder.size(`full_${name}`, full[axis]!), code),
      inner,
    );
  return [lines, loops];
}
