import type { ConfigStatement } from "../../../language/ast.ts";
import type { Frame } from "../../frame/context.ts";
import * as errors from "../../errors/architecture.ts";
import { isSolvable } from "./solve.ts";

/** Of a section that names what publishes its models: that each line can be read backwards, so that a config can be written. */
export function checkArchitecture(section: ConfigStatement, frame: Frame): void {
  const { context, calls } = frame;
  const [line, second] = section.lines.filter((each) => each.kind === "architecture");
  if (line === undefined) return;
  if (second !== undefined) context.diagnostics.add(errors.secondArchitecture(second, line), calls);
  const { names } = line;
  if (section.families.length === 0) context.diagnostics.add(errors.architectureOfNoFamily(line), calls);
  else if (names.length > 1 && names.length !== section.families.length)
    context.diagnostics.add(errors.architectureCount(line, section.families.length), calls);
  for (const each of section.lines)
    if (each.kind === "key" && !each.values.some(isSolvable))
      context.diagnostics.add(errors.cannotBeWritten(each), calls);
}
