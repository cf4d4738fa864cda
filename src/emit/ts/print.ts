import type { Code } from "../../support/text.ts";
import type { LoopKernel, Statement, Tensor } from "../loops/tree.ts";
import { CallBuilder, type Call } from "./call.ts";
import type { Placing } from "./placing.ts";
import { Printer } from "./printer.ts";
import { written } from "./scalar.ts";

/** A kernel of the loop language as a function and its call. */
export function printKernel(kernel: LoopKernel, placing: Placing): Call {
  const call = new CallBuilder(placing);
  const printer = new Printer(placing, startsOf(kernel, call));
  const names = kernel.parameters.flatMap((each) => ("tensor" in each ? [] : [each.name]));
  const body = printer.statements(kernel.body, new Set(names));
  call.helpers(printer.helpers);
  return call.finish(kernel.name, [kernel.doc], body);
}

/** Declares the parameters; says where each tensor begins. */
function startsOf({ parameters }: LoopKernel, call: CallBuilder): ReadonlyMap<Tensor, string> {
  const starts = new Map<Tensor, string>();
  for (const parameter of parameters)
    if (parameter.kind === "tensor") {
      const { tensor } = parameter;
      starts.set(tensor, call.tensor(tensor.name, tensor.view!));
    } else if (parameter.kind === "scratch")
      starts.set(parameter.tensor, call.scratch(parameter.tensor.name));
    else if (parameter.kind === "size") call.size(parameter.name.name, parameter.size);
    else call.number(parameter.name.name, written(parameter.value).text);
  return starts;
}

/** Statements within a kernel that is written by hand; their tensors begin at 0. */
export function printStatements(body: readonly Statement[], call: CallBuilder, placing: Placing): Code[] {
  const printer = new Printer(placing, new Map());
  const lines = printer.statements(body, new Set());
  call.helpers(printer.helpers);
  return lines;
}
