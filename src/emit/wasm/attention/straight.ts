import { append } from "../../../support/lists.ts";
import type { Statement } from "../assembler/code.ts";
import type { Body } from "../functions/wide.ts";
import type { KernelWriter, Phase } from "../kernel.ts";

/** The statements that `write` writes by functions. */
export function straight(
  { machine, constants }: Pick<KernelWriter, "machine" | "constants">,
  writer: Phase,
  write: (body: Body) => void,
): Statement[] {
  const statements: Statement[] = [];
  const push = (...more: readonly Statement[]): void => append(statements, more);
  write({ machine, constants, writer, push });
  return statements;
}
