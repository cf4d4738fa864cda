import { hexadecimal, relaxedProbe, sharingByte } from "./binary.ts";
import type { KernelTable } from "./kernel-table.ts";
import { constants } from "./runtime/constants.ts";
import { workerText } from "./runtime/threads.ts";

/** The kernels of a module by name; their code is `binaryLines`. */
export const kernelLines = ({ kernels }: KernelTable): string[] =>
  kernels.flatMap(({ name, doc, first, phases }) => [
    `/** ${doc} */`,
    `const ${name}«: Kernel» = { name: "${name}", first: ${first}, phases: ${phases} };`,
  ]);

/** The binary code of kernels, with their constants. */
/** `sumsCodes`: kernels for relaxed SIMD sum products of codes by it. */
export function binaryLines(table: KernelTable, sumsCodes: boolean): string[] {
  const sharing = sharingByte(table, "relaxed");
  const kernelConstants = table.constants;
  const padded = new Uint8Array(4 * Math.ceil(kernelConstants.length / 4));
  padded.set(kernelConstants);
  return [
    "/** The kernels as WebAssembly, two letters a byte: for engines with relaxed SIMD, where x * y + z is rounded once, and for others. */",
    "const kernelCode = {",
    ...(["relaxed", "plain"] as const).map(
      (machine) => `  ${machine}: "${hexadecimal(table.encode(machine))}",`,
    ),
    "};",
    "",
    "/** A module that engines with relaxed SIMD take, and that says whether they round x * y + z once. */",
    `const relaxedProbe = "${hexadecimal(relaxedProbe(sumsCodes))}";`,
    "",
    "/** The byte of the kernels that says whose the memory is, and what it is where that is one thread's. */",
    ...constants({ SHARED_AT: sharing.at, OWN_BYTE: sharing.own }),
    "",
    "/** Constants that the kernels read. */",
    `const kernelConstants = "${hexadecimal(padded)}";`,
    `const KERNEL_CONSTANT_BYTES = ${padded.length};`,
  ];
}

const workerLiteral = `\`${workerText.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${")}\``;

export const workerLines: readonly string[] = [
  "/** What workers are made of: the parts below that threads need, as text. */",
  `const workerText = ${workerLiteral};`,
];
