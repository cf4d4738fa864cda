import { onlyView } from "../../../kernels/results.ts";
import { plural, type Code } from "../../../support/text.ts";
import { constantDim, dim } from "../../../tensor/dim.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { Context, Dispatch } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";
import { KEYS, LANES, leftAt, leftSize, overLanes, sharesTogether, type Attend } from "./attend-shares.ts";
import { Attention, scoreOfRow } from "./attention.ts";
import { attendWords, axesOf } from "./scores.ts";

/* Attention of one query, as a text that is read token by token has it, split along its keys (flash-decoding, Dao et al.
   2023): a workgroup has some keys of a head and all queries that look at them, so that each key is read once; a second
   stage brings the shares of all workgroups together. Few keys are one workgroup's, which needs no second stage. */

/** The most heads of queries that look at the keys of a workgroup, and the numbers of theirs that it holds: 8 KiB. */
const MOST_HEADS = 8;
const MOST_HELD = 2048;
/** Invocations that find the largest score of a head, and the sum of its weights. */
const FINDERS = 8;

/** Whether attention has one query, of heads whose count is known. */
export function isOfOneQuery({ operands: { q, k, v }, attrs: { layout } }: Attend): boolean {
  const [query, key, value] = [axesOf(q, layout), axesOf(k, layout), axesOf(v, layout)];
  const heads = [query.head.size, key.head.size].map(constantDim);
  const widest = Math.max(query.width, value.width);
  return constantDim(query.row.size) === 1 && !heads.includes(undefined) && widest <= MOST_HELD;
}

export function attendOne(step: Attend, context: Context): Dispatch[] {
  const keys = axesOf(step.operands.k, step.attrs.layout).row.size;
  const known = constantDim(keys);
  const [isShort, isLong] = [known === undefined || known <= KEYS, known === undefined || known > KEYS];
  const both = isShort && isLong;
  return [
    ...(isShort
      ? [{ ...shareOfKeys(step, context, true), ...(both && { when: { size: keys, atMost: KEYS } }) }]
      : []),
    ...(isLong ? [shareOfKeys(step, context, false)] : []),
    ...(isLong
      ? [{ ...sharesTogether(step, context), ...(both && { when: { size: keys, above: KEYS } }) }]
      : []),
  ];
}

/** How a workgroup is made up. */
interface Shape {
  /** Heads of queries of a workgroup, and of a head of keys. */
  readonly rows: number;
  readonly group: number;
  /** Workgroups of a head of keys. */
  readonly shares: number;
  readonly lanes: number;
}

function shapeOf({ query, key }: Attention): Shape {
  const group = constantDim(query.head.size)! / constantDim(key.head.size)!;
  const rows = Math.max(1, Math.min(MOST_HEADS, group, Math.floor(MOST_HELD / query.width)));
  return { rows, group, shares: Math.ceil(group / rows), lanes: Math.min(LANES, rows * KEYS) };
}

/** What some keys of a head add; `isAll`: they are all keys. */
function shareOfKeys(step: Attend, context: Context, isAll: boolean): Dispatch {
  const { operands, attrs, results } = step;
  const { q, k, v, bias, mask } = operands;
  const builder = new KernelBuilder(context);
  const tensors = builder.tensors({ q, k, v, bias, mask }, { out: isAll ? onlyView(results) : undefined });
  const left = isAll ? undefined : builder.scratch(leftSize(step));
  const attention = new Attention(step, tensors, builder, "group.z");
  const { query, key, sizes } = attention;
  const shape = shapeOf(attention);
  const { rows, group, shares, lanes } = shape;
  builder.builtin("group", "lane");
  builder.shared("q_rows", "f32", rows * query.width);
  builder.shared("weights", "f32", rows * KEYS);
  builder.shared("largest_found", "f32", rows * FINDERS);
  builder.shared("totals_found", "f32", rows * FINDERS);
  const words = attendWords(attrs, operands);
  const body: Code[] = [
    `let g = group.y / ${shares}u;`,
    `let first_head = g * ${group}u + group.y % ${shares}u * ${rows}u;`,
    `let rows = min(${rows}u, (g + 1u) * ${group}u - first_head);`,
    `let first = group.x * ${KEYS}u;`,
    `let count = min(${KEYS}u, ${sizes.keys} - first);`,
    "// The query stands at the last key.",
    "const i = 0u;",
    `let position = i32(${sizes.keys}) - 1i;`,
    ...loadQueries(attention, tensors.q, lanes),
    ...findScores(attention, tensors.k, shape),
    ...findWeights(shape),
    ...addValues(
      attention,
      tensors.v,
      shape,
      left === undefined ? storeWhole(attention, tensors.out!) : storeShare(attention, left),
    ),
  ];
  const kind = words.length > 0 ? ` (${words.join(", ")})` : "";
  return builder.finish({
    stage: 0,
    name: [isAll ? "attend_one" : "attend_share", ...words].join("_"),
    doc: [
      `Attention of one query${kind}: ${isAll ? "at most" : "what is added by"} ${KEYS} keys a workgroup, ${plural(rows, "head")} of queries at once.`,
    ],
    body,
    workgroup: [lanes],
    groups: {
      kind: "grid",
      axes: [
        { count: isAll ? dim(1) : key.row.size, per: isAll ? 1 : KEYS },
        { count: dim(constantDim(key.head.size)! * shares), per: 1 },
        { count: query.batch.size, per: 1 },
      ],
    },
  });
}

/** Where the sum of a head and a channel goes. */
type Store = (r: string, c: string, sum: string) => readonly Code[];

/** To the result, by the total of its weights. */
const storeWhole =
  (attention: Attention, out: Tensor): Store =>
  (r, c, sum) => [
    ...addFound("total", "totals_found", r),
    "let share = select(1.0 / total, 0.0, total == 0.0);",
    out.put(`${attention.place("out", out, "i")} + ${c}`, `${sum} * share`),
  ];

/** To the second stage, once with the largest score and the total. */
const storeShare =
  (attention: Attention, left: Pick<Tensor, "put">): Store =>
  (r, c, sum) => [
    `let at = ${leftAt(attention, "group.x")};`,
    ...ifThen(`${c} == 0u`, [
      ...largestOf(r),
      ...addFound("total", "totals_found", r),
      left.put("at", "largest"),
      left.put("at + 1u", "total"),
    ]),
    left.put(`at + 2u + ${c}`, sum),
  ];

/** The query of each head. */
const loadQueries = (attention: Attention, q: Tensor, lanes: number): Code[] => [
  ...overLanes("e", "rows * width", lanes, [
    "let h = first_head + e / width;",
    `q_rows[e] = ${q.at(`${attention.place("q", q, "i")} + e % width`)};`,
  ]),
  "workgroupBarrier();",
];

/** The score of each head and key. */
const findScores = (attention: Attention, k: Tensor, { rows, lanes }: Shape): Code[] => [
  ...overLanes("e", `${rows * KEYS}u`, lanes, [
    `let r = e / ${KEYS}u;`,
    "let h = first_head + r;",
    `let j = first + e % ${KEYS}u;`,
    "var score = hidden;",
    ...ifThen(attention.condition(`j < ${attention.sizes.keys}`, "r < rows"), [...scoreOfRow(attention, k)]),
    "weights[e] = score;",
  ]),
  "workgroupBarrier();",
];

/** `largest` and the sum of what the finders of a row found. */
const largestOf = (r: string): Code[] => [
  "var largest = hidden;",
  ...forLoop("finder", `${FINDERS}u`, [
    `largest = max(largest, largest_found[${r} * ${FINDERS}u + finder]);`,
  ]),
];

const addFound = (name: string, memory: string, r: string): Code[] => [
  `var ${name} = 0.0;`,
  ...forLoop("finder", `${FINDERS}u`, [`${name} += ${memory}[${r} * ${FINDERS}u + finder];`]),
];

/** Each score becomes its weight under the largest of its head. */
function findWeights({ rows, lanes }: Shape): Code[] {
  const found = (body: readonly Code[]): Code[] => [
    ...ifThen(`lane < ${rows * FINDERS}u`, body),
    "workgroupBarrier();",
  ];
  const overOwn = (body: string): Code[] =>
    forLoop("s", `${KEYS}u`, [body], { start: `lane % ${FINDERS}u`, step: `${FINDERS}u` });
  const own = `weights[lane / ${FINDERS}u * ${KEYS}u + s]`;
  return [
    ...found([
      "var largest = hidden;",
      ...overOwn(`largest = max(largest, ${own});`),
      "largest_found[lane] = largest;",
    ]),
    ...overLanes("e", `${rows * KEYS}u`, lanes, [
      ...largestOf(`(e / ${KEYS}u)`),
      "let score = weights[e];",
      "weights[e] = select(exp(score - largest), 0.0, score == hidden);",
    ]),
    "workgroupBarrier();",
    ...found(["var total = 0.0;", ...overOwn(`total += ${own};`), "totals_found[lane] = total;"]),
  ];
}

/** The values of the keys by their weights: several invocations share a channel where there are few of them. */
function addValues(attention: Attention, v: Tensor, { rows, lanes }: Shape, store: Store): Code[] {
  const channels = rows * attention.value.width;
  const turns = Math.max(1, Math.floor(lanes / channels));
  const place = attention.place("v", v, "(first + s)");
  const own = [
    `let r = e % ${channels}u / value_width;`,
    "let c = e % value_width;",
    "var sum = 0.0;",
    ...forLoop(
      "s",
      "count",
      [
        `let weight = weights[r * ${KEYS}u + s];`,
        "// A hidden key has no part, whatever its value: not even 0 · NaN.",
        ...ifThen("weight == 0.0", ["continue;"]),
        `sum += weight * ${v.at(`${place} + c`)};`,
      ],
      { start: `e / ${channels}u`, step: `${turns}u` },
    ),
  ];
  const stored = (sum: string): Code[] =>
    ifThen("r < rows", ["let h = first_head + r;", ...store("r", "c", sum)]);
  if (turns === 1) return overLanes("e", `${channels}u`, lanes, [...own, ...stored("sum")]);
  attention.builder.shared("sums", "f32", turns * channels);
  return [
    ...ifThen(`lane < ${turns * channels}u`, ["let e = lane;", ...own, "sums[e] = sum;"]),
    "workgroupBarrier();",
    ...ifThen(`lane < ${channels}u`, [
      "let r = lane / value_width;",
      "let c = lane % value_width;",
      "var sum = 0.0;",
      ...forLoop("turn", `${turns}u`, [`sum += sums[turn * ${channels}u + lane];`]),
      ...stored("sum"),
    ]),
  ];
}
