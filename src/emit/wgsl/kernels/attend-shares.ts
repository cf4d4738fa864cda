import { onlyView } from "../../../kernels/results.ts";
import type { StepOf } from "../../../plan/plan.ts";
import type { Code } from "../../../support/text.ts";
import { addDims, dim, floorDivideDim, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { KernelBuilder } from "../builder.ts";
import type { Context, Dispatch } from "../kernel.ts";
import { forLoop } from "../text.ts";
import { Attention } from "./attention.ts";
import { axesOf } from "./scores.ts";

export type Attend = StepOf<"attend">;

/** Keys of a workgroup, whose share of attention is left for the second stage. */
export const KEYS = 128;
/** The most invocations of a workgroup. */
export const LANES = 256;

/** The numbers that workgroups leave for the second stage: of each head and share of keys largest score, total, and values. */
export function leftSize({ operands: { q, k, v }, attrs: { layout } }: Attend): Dim {
  const { batch, head } = axesOf(q, layout);
  const shares = floorDivideDim(addDims(axesOf(k, layout).row.size, dim(KEYS - 1)), KEYS);
  return productOfDims([batch.size, head.size, shares, dim(axesOf(v, layout).width + 2)]);
}

/** Where in it the numbers of head h and a share of the keys begin. */
export const leftAt = ({ sizes }: Attention, share: string): string =>
  `((group.z * ${sizes.heads} + h) * ((${sizes.keys} + ${KEYS - 1}u) / ${KEYS}u) + ${share}) * (value_width + 2u)`;

/** A loop whose turns the invocations of a workgroup share. */
export const overLanes = (index: string, end: string, lanes: number, body: readonly Code[]): Code[] =>
  forLoop(index, end, body, { start: "lane", step: `${lanes}u` });

/** What all shares of the keys make together, a head of a text a workgroup. */
export function sharesTogether(step: Attend, context: Context): Dispatch {
  const { operands, attrs, results } = step;
  const builder = new KernelBuilder(context);
  const { out } = builder.tensors({}, { out: onlyView(results) });
  const left = builder.leftBefore(leftSize(step));
  const given = {
    operands: { ...operands, bias: undefined, mask: undefined },
    attrs: { ...attrs, alibi: false },
  };
  const attention = new Attention(given, { bias: undefined, mask: undefined }, builder, "group.z");
  const { query, value, sizes } = attention;
  const lanes = Math.min(LANES, Math.max(32, value.width));
  builder.builtin("group", "lane");
  const overShares = (body: readonly Code[]): Code[] =>
    forLoop("share", `(${sizes.keys} + ${KEYS - 1}u) / ${KEYS}u`, [
      `let at = ${leftAt(attention, "share")};`,
      ...body,
    ]);
  const body: Code[] = [
    "let h = group.x;",
    "var largest = hidden;",
    ...overShares([`largest = max(largest, ${left.at("at")});`]),
    "var total = 0.0;",
    ...overShares([`total += ${left.at("at + 1u")} * exp(${left.at("at")} - largest);`]),
    "let own = select(1.0 / total, 0.0, total == 0.0);",
    ...overLanes("c", "value_width", lanes, [
      "var sum = 0.0;",
      ...overShares([`sum += ${left.at("at + 2u + c")} * exp(${left.at("at")} - largest);`]),
      out.put(`${attention.place("out", out, "0u")} + c`, "sum * own"),
    ]),
  ];
  return builder.finish({
    stage: 1,
    name: "attend_shares",
    doc: ["What shares of the keys of one query make together: a head of queries a workgroup."],
    body,
    workgroup: [lanes],
    groups: {
      kind: "grid",
      axes: [
        { count: query.head.size, per: 1 },
        { count: dim(1), per: 1 },
        { count: query.batch.size, per: 1 },
      ],
    },
  });
}
