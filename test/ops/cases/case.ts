import { withDefaults } from "../../../src/ir/node.ts";
import { Mismatch } from "../../../src/ops/define.ts";
import { recordOf, type AttributesOf, type OpName, type OperandsOf } from "../../../src/ops/table.ts";
import { tensorType } from "../../../src/tensor/type.ts";
import { mapOperands } from "../../../src/ir/node.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";

/** One evaluation of an op with the results that another source gives. */
export interface OpCase<K extends OpName> {
  readonly about: string;
  readonly operands: OperandsOf<K, HostTensor>;
  readonly attrs?: Partial<AttributesOf<K>>;
  readonly expected: readonly HostTensor[];
  /** Relative above 1, absolute below; exact if left out. */
  readonly tolerance?: number;
}

/** At least one case for every op of a group. */
export type CasesOf<K extends OpName> = { readonly [Name in K]: readonly OpCase<Name>[] };

/** The results of an op; operands that do not fit fail. Results must have the types that the op infers. */
export function run<K extends OpName>(
  op: K,
  operands: OperandsOf<K, HostTensor>,
  attrs: Partial<AttributesOf<K>> = {},
): readonly HostTensor[] {
  const record = recordOf(op);
  const full = withDefaults(op, attrs);
  const types = record.infer(
    mapOperands(operands as Record<string, HostTensor>, ({ dtype, shape }) =>
      tensorType(dtype, ...shape),
    ) as never,
    full,
  );
  if (types instanceof Mismatch) throw new Error(`${op}: ${types.blamed}: ${types.message}`);
  const results = record.evaluate(operands, full);
  results.forEach(({ dtype, shape }, index) => {
    const found = `${dtype}[${shape.join(", ")}]`;
    const type = types[index];
    const inferred = type && `${type.dtype}[${type.shape.map(({ key }) => key).join(", ")}]`;
    if (found !== inferred) throw new Error(`${op} gives ${found}, but infers ${inferred ?? "nothing"}`);
  });
  return results;
}
