import type { StepOf } from "../../../plan/plan.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim, dim, multiplyDims, productOfDims } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { KernelBuilder } from "../builder.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";
import { eachElement, eachRow, LIST_SIZE, places } from "../walk.ts";

type Topk = StepOf<"topk">;

/** The most elements that a workgroup sorts: 8 bytes each, all of the 16 KiB that every device has. */
const MOST_SORTED = 2048;
/** Few of a short row, as routers choose: an invocation a row is quicker than a workgroup. */
const FEW = { k: 8, width: 1024 };

/**
 * The k largest of each row, of equal ones the first. Long rows are cut into pieces, of which workgroups sort one each and
 * leave the k largest; what is left of a row is cut and sorted again until it is one piece.
 */
export const topk: WgslKernel<"topk"> = (step, context) => {
  const { type } = step.operands.x;
  const width = constantDim(type.shape.at(-1)!);
  const { k } = step.attrs;
  const isLarge = width !== undefined && (k > FEW.k || width >= FEW.width);
  if (!isLarge || 2 * k > MOST_SORTED || !isFloat(type.dtype)) return [inserted(step, context)];
  return rounds(width, k).map((round) => sorted(step, round, context));
};

/** A stage that cuts rows of a length into pieces; `left` are the elements that it leaves of a row. */
interface Round {
  readonly stage: number;
  readonly length: number;
  readonly piece: number;
  readonly pieces: number;
  readonly isLast: boolean;
}

function rounds(width: number, k: number): Round[] {
  const list: Round[] = [];
  let length = width;
  do {
    const piece = Math.min(MOST_SORTED, 2 ** Math.ceil(Math.log2(Math.max(2, length))));
    const pieces = Math.ceil(length / piece);
    list.push({ stage: list.length, length, piece, pieces, isLast: pieces === 1 });
    length = pieces * k;
  } while (!list.at(-1)!.isLast);
  return list;
}

/** A workgroup a piece: sorts it, and keeps the first k. */
function sorted(step: Topk, round: Round, context: Context): Dispatch {
  const { x } = step.operands;
  const { stage, length, piece, pieces, isLast } = round;
  const isOne = step.attrs.k === 1;
  const builder = new KernelBuilder(context);
  const leading = x.type.shape.slice(0, -1);
  const ends = endsOf(step, round, builder);
  const each = eachRow(builder, [...leading, dim(pieces)]);
  const walked = stage === 0 ? [{ name: "x", strides: x.strides.slice(0, -1) }] : [];
  const lists = places(builder, "list", leading, walked);
  builder.shared("keys", "u32", piece);
  builder.shared("stood", "u32", piece);
  builder.declareFunction("key_of", keyOf);
  builder.constant("k", step.attrs.k);
  builder.constant("length", length);
  builder.constant("pieces", pieces);
  const body = [
    ...each.lines,
    "let list = row / pieces;",
    `let first = row % pieces * ${piece}u;`,
    ...lists.lines,
    ...ownElements(`${piece}u`, [
      "var key = 0u;",
      "var place = none;",
      ...ifThen("first + e < length", ends.load(lists.at[0] ?? "")),
      "keys[e] = key;",
      "stood[e] = place;",
    ]),
    "workgroupBarrier();",
    ...(isOne ? firstLines(piece) : sortLines(piece)),
    ...ownElements("k", ends.store),
  ];
  const what =
    stage === 0 ? "elements of a row, and where they stood" : "that the stage before left of a row";
  return builder.finish({
    stage,
    name: `${isOne ? "first" : "topk"}_${stage === 0 ? "sorted" : "merged"}`,
    doc: [
      `The ${isOne ? "" : "k "}largest of ${isLast ? "all" : `each ${piece}`} ${what}, ${isOne ? "found" : "sorted"} by a workgroup.`,
    ],
    body,
    workgroup: [LIST_SIZE],
    groups: each.groups,
  });
}

const ownElements = (end: string, body: readonly Code[]): Code[] =>
  forLoop("e", end, body, { start: "lane", step: `${LIST_SIZE}u` });

/**
 * Where the elements of a piece come from, and its largest go to: tensors, or pairs of an element and its place in the scratch
 * memory, in two halves, of which a stage reads one and writes the other. Where a piece has fewer than k there is no place.
 */
function endsOf(step: Topk, { stage, isLast }: Round, builder: KernelBuilder) {
  const { operands, attrs, results } = step;
  const tensors = builder.tensors(
    { x: stage === 0 ? operands.x : undefined },
    { values: isLast ? results[0]! : undefined, indices: isLast ? results[1]! : undefined },
  );
  const { pieces } = rounds(constantDim(operands.x.type.shape.at(-1)!)!, attrs.k)[0]!;
  const half = multiplyDims(productOfDims(operands.x.type.shape.slice(0, -1)), dim(2 * pieces * attrs.k));
  const isAlone = stage === 0 && isLast;
  const scratch = isAlone ? undefined : builder.scratchBetween(multiplyDims(half, dim(2)));
  const behind = isAlone ? "" : `${builder.size("half", half)} + `;
  const [from, to] = stage % 2 === 0 ? [behind, ""] : ["", behind];
  builder.declare("// Of what is no element.", "const none = 0xffffffffu;");
  const store = isLast
    ? [
        tensors.values!.put("list * k + e", "element_of(keys[e])"),
        tensors.indices!.put("list * k + e", "i32(stood[e])"),
      ]
    : [
        `let at = ${to}2u * (row * k + e);`,
        scratch!.put("at", "element_of(keys[e])"),
        scratch!.put("at + 1u", "select(f32(stood[e]), -1.0, stood[e] == none)"),
      ];
  const load = (list: string): Code[] =>
    stage === 0
      ? [`key = key_of(${tensors.x!.at(`${list} + first + e`)});`, "place = first + e;"]
      : [
          `let at = ${from}2u * (list * length + first + e);`,
          ...ifThen(`${scratch!.at("at + 1u")} >= 0.0`, [
            `key = key_of(${scratch!.at("at")});`,
            `place = u32(${scratch!.at("at + 1u")});`,
          ]),
        ];
  return { load, store };
}

/** Whole numbers in the order of floats, from 1 on: NaN is the largest, and 0 has no sign. */
const keyOf: readonly Code[] = [
  "fn key_of(x: f32) -> u32 {",
  [
    "let bits = bitcast<u32>(x);",
    "let size = bits & 0x7fffffffu;",
    ...ifThen("size > 0x7f800000u", ["return 0xffffffffu;"]),
    "return select(0x80000000u + size, 0x80000000u - size, bits > 0x80000000u);",
  ],
  "}",
  "",
  "fn element_of(key: u32) -> f32 {",
  [
    "let size = select(0x80000000u - key, key - 0x80000000u, key >= 0x80000000u);",
    "return bitcast<f32>(size | select(0x80000000u, 0u, key >= 0x80000000u));",
  ],
  "}",
];

/** The largest one comes first, the others in no order: each half of what is left is held against the other. */
const firstLines = (piece: number): Code[] => [
  `for (var half = ${piece / 2}u; half > 0u; half /= 2u) {`,
  [
    ...forLoop(
      "a",
      "half",
      [
        "let b = a + half;",
        ...ifThen("keys[b] > keys[a] || (keys[b] == keys[a] && stood[b] < stood[a])", [
          "keys[a] = keys[b];",
          "stood[a] = stood[b];",
        ]),
      ],
      { start: "lane", step: `${LIST_SIZE}u` },
    ),
    "workgroupBarrier();",
  ],
  "}",
];

/** Batcher's bitonic sort (1968), the largest first: pairs are as far apart as `stride`, in runs of `size`. */
const sortLines = (piece: number): Code[] => [
  `for (var size = 2u; size <= ${piece}u; size *= 2u) {`,
  [
    "for (var stride = size / 2u; stride > 0u; stride /= 2u) {",
    [
      ...forLoop(
        "pair",
        `${piece / 2}u`,
        [
          "let a = 2u * pair - (pair & (stride - 1u));",
          "let b = a + stride;",
          "let is_before = keys[a] > keys[b] || (keys[a] == keys[b] && stood[a] < stood[b]);",
          ...ifThen("is_before != ((a & size) == 0u)", [
            "let key = keys[a];",
            "keys[a] = keys[b];",
            "keys[b] = key;",
            "let place = stood[a];",
            "stood[a] = stood[b];",
            "stood[b] = place;",
          ]),
        ],
        { start: "lane", step: `${LIST_SIZE}u` },
      ),
      "workgroupBarrier();",
    ],
    "}",
  ],
  "}",
];

/** The k largest of each row by insertion into the sorted list that is the result. An invocation a row. */
function inserted(
  { operands: { x }, attrs: { k }, results: [first, second] }: Topk,
  context: Context,
): Dispatch {
  const builder = new KernelBuilder(context);
  const tensors = builder.tensors({ x }, { values: first!, indices: second! });
  const [values, indices] = [tensors.values, tensors.indices];
  const leading = x.type.shape.slice(0, -1);
  const each = eachElement(builder, leading);
  const rows = places(builder, "i", leading, [{ name: "x", strides: x.strides.slice(0, -1) }]);
  builder.constant("k", k);
  const body = [
    ...each.lines,
    ...rows.lines,
    `let x_row = ${rows.at[0]!};`,
    "let list = i * k;",
    "var held = 0u;",
    ...forLoop("c", builder.size("width", x.type.shape.at(-1)!), [
      `let value = ${tensors.x.at("x_row + c")};`,
      "var place = held;",
      "// An equal element comes after those before it.",
      "while (place > 0u) {",
      [
        `let above = ${values.at("list + place - 1u")};`,
        ...ifThen("!(value > above)", ["break;"]),
        "place--;",
      ],
      "}",
      ...ifThen("place == k", ["continue;"]),
      ...ifThen("held < k", ["held++;"]),
      "for (var m = held - 1u; m > place; m--) {",
      [
        values.put("list + m", values.at("list + m - 1u")),
        indices.put("list + m", indices.at("list + m - 1u")),
      ],
      "}",
      values.put("list + place", "value"),
      indices.put("list + place", "i32(c)"),
    ]),
  ];
  const doc = "The k largest elements of each row, largest first, and where they stood. A row an invocation.";
  return builder.finish({ name: "topk", doc: [doc], body, workgroup: [LIST_SIZE], groups: each.groups });
}
