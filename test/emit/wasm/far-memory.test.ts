import { expect, test } from "vitest";
import { emitWasm } from "../../../src/emit/wasm/emit.ts";
import { wasmTarget } from "../../../src/emit/wasm/target.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { isGraphKernel, opNames } from "../../../src/ops/table.ts";
import { opCases } from "../../ops/cases/all.ts";
import { graphOfCase } from "../op-graphs.ts";
import { importText, type Tensor } from "./instantiate.ts";

/** Where the memory of tensors begins, as a module has it. */
const BEGINNING = "placesFrom(CONSTANTS_AT + KERNEL_CONSTANT_BYTES)";
/** Addresses from here on are negative with a sign: a comparison of two around it would go wrong. */
const HALF = 2 ** 31;
/** So many bytes before it the first tensor begins: it lies within that, or the next ones do. */
const before = [192];

/** Cases of an op at most. */
const MOST_CASES = 2;

const bitsOf = (outputs: Readonly<Record<string, Tensor>>): number[][] =>
  Object.values(outputs).map(({ data }) => [...new Int32Array(Float32Array.from(data).buffer)]);

test.each(opNames.filter(isGraphKernel))(
  "%s gives the same bits where its tensors lie around 2 GiB",
  async (op) => {
    const cases = opCases[op] as readonly {
      readonly operands: Readonly<Record<string, unknown>>;
      readonly attrs?: object;
    }[];
    for (const { operands, attrs = {} } of cases.slice(0, MOST_CASES)) {
      const { graph, tensors } = graphOfCase(op, operands, attrs);
      const { text } = emitWasm(planGraph(graph, { target: wasmTarget }), { types: false }).files[0]!;
      expect(text.split(BEGINNING)).toHaveLength(2);
      const run = async (from: string): Promise<number[][]> => {
        const { createModel } = await importText(text.replace(BEGINNING, from));
        const model = await createModel({}, { threads: 1 });
        const found = await model.run(tensors);
        model.close();
        return bitsOf(found);
      };
      const near = await run(BEGINNING);
      expect(near.flat().length).toBeGreaterThan(0);
      for (const bytes of before) expect(await run(`placesFrom(${HALF - bytes})`)).toEqual(near);
    }
  },
);
