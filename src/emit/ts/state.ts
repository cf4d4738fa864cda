import type { PlanState, ProgramPlan } from "../../plan/plan.ts";
import { invariant } from "../../support/invariant.ts";
import type { Code } from "../../support/text.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { elementsOf } from "../../tensor/type.ts";
import { keyText } from "../module/runtime/types.ts";
import { fixedDims, readsState } from "../module/surface.ts";
import { literal, numberText, sizeText } from "../module/text.ts";
import type { ModuleNames } from "./names.ts";
import { arrayType } from "./storage.ts";

/** What the sizes are called for which the state of a model was made. */
export const STATE_DIMS = "stateDims";

/** The lines of `createModel` that make what passes from run to run: weights of which it has its own, and new tensors. */
export function stateLines(program: ProgramPlan, names: ModuleNames): Code[] {
  const { state } = program.shared;
  const said = program.sessions === undefined ? "options.dims" : "sizes";
  if (!readsState(program)) return [];
  const dims = fixedDims(program).map(
    ({ name, max = Infinity }) => `${name}: ${names.check("saidSize")}(${literal(name)}, ${said}, ${max}),`,
  );
  return [
    ...(dims.length === 0 ? [] : [`const ${STATE_DIMS} = {`, dims, "};"]),
    "// What passes from run to run.",
    "const state = {",
    state.map((each) => {
      const shape = each.type.shape.map(sizeOfState).join(", ");
      return `${keyText(each.name)}: { data: ${arrayOf(each, names)}, shape: [${shape}] },`;
    }),
    "};",
  ];
}

const sizeOfState = (size: PlanState["type"]["shape"][number]): string =>
  sizeText(size, (name) => `${STATE_DIMS}.${name}`);

function arrayOf({ name, type, kind, init }: PlanState, names: ModuleNames): string {
  if (kind !== "kept")
    return `${names.reader(isFloat(type.dtype) ? "ownFloats" : "ownInts")}(tensors, ${literal(name)})`;
  invariant(init.kind === "constant", `the state ${name} begins with more than one number`);
  const made = `new ${arrayType(type.dtype, names.floats)}(${sizeOfState(elementsOf(type))})`;
  return init.value === 0 ? made : `${made}.fill(${numberText(init.value)})`;
}
