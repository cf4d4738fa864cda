import type { Code } from "../../support/text.ts";
import type { LoopKernel, Statement, Tensor } from "../loops/tree.ts";
import { CallBuilder, type Call, type Naming } from "./call.ts";
import type { HelperName } from "./helpers/table.ts";
import { Printer } from "./printer.ts";
import { written } from "./scalar.ts";

/**
 * Prints a kernel of the loop language as a function and its call. The functions of a module are written several times, so
 * a body is printed once for all namings in which the same tensors begin at 0.
 */
export function kernelPrinter(kernel: LoopKernel): (naming: Naming) => Call {
  const names = kernel.parameters.flatMap((each) => (each.kind === "tensor" ? [] : [each.name]));
  const printed = new Map<string, { readonly body: readonly Code[]; readonly helpers: Set<HelperName> }>();
  return (naming) => {
    const call = new CallBuilder(naming);
    const starts = startsOf(kernel, call);
    const key = [naming.floats, ...starts.values()].join();
    let known = printed.get(key);
    if (known === undefined) {
      const printer = new Printer(naming, starts);
      known = { body: printer.statements(kernel.body, new Set(names)), helpers: printer.helpers };
      printed.set(key, known);
    }
    call.helpers(known.helpers);
    return call.finish(kernel.name, [kernel.doc], known.body);
  };
}

/** Declares the parameters; says where each tensor begins. */
function startsOf({ parameters }: LoopKernel, call: CallBuilder): ReadonlyMap<Tensor, string> {
  const starts = new Map<Tensor, string>();
  for (const parameter of parameters)
    if (parameter.kind === "tensor") {
      const { tensor } = parameter;
      starts.set(tensor, call.tensor(tensor.name, tensor.view!));
    } else if (parameter.kind === "size") call.size(parameter.name.name, parameter.size);
    else call.number(parameter.name.name, written(parameter.value).text);
  return starts;
}

/** Statements within a kernel that is written by hand; their tensors begin at 0. */
export function printStatements(body: readonly Statement[], call: CallBuilder, naming: Naming): Code[] {
  const printer = new Printer(naming, new Map());
  const lines = printer.statements(body, new Set());
  call.helpers(printer.helpers);
  return lines;
}
