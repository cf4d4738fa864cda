import { Bytes } from "./bytes.ts";
import { typeBytes } from "./code.ts";
import type { Signature } from "./function.ts";

export interface ModuleFunction {
  readonly signature: Signature;
  /** As `FunctionWriter.encode` gives it. */
  readonly code: Uint8Array;
  /** What the host calls it, if it does. */
  readonly exportName?: string;
}

export interface ModuleParts {
  /** In the order of their indices. */
  readonly functions: readonly ModuleFunction[];
  /** Functions by where they stand in the table, for indirect calls. */
  readonly table: readonly number[];
  /** The signature of those calls: the first of the types. */
  readonly called?: Signature;
  /** The memory, which is imported as `env.memory`: pages of 64 KiB. */
  readonly memory: { readonly pages: number; readonly most: number; readonly shared: boolean };
  /** What stands in memory when the module begins. */
  readonly data: readonly { readonly address: number; readonly bytes: Uint8Array }[];
}

const FUNCTION = 0x60;
const FUNCREF = 0x70;
const TABLE_EXPORT = 0x00;

const keyOf = ({ parameters, results }: Signature): string => `${parameters.join()} ${results.join()}`;

/** The types of functions by their index: each signature once, in the order in which it first stands. */
export function signatureTable(signatures: readonly Signature[]): {
  readonly types: readonly Signature[];
  readonly indexOf: (signature: Signature) => number;
} {
  const types = [...new Map(signatures.map((each) => [keyOf(each), each])).values()];
  const keys = types.map(keyOf);
  return { types, indexOf: (signature) => keys.indexOf(keyOf(signature)) };
}

/** A WebAssembly module as binary (core specification 2.0, §5.5, with shared memory of the threads proposal). */
export function encodeModule({
  functions,
  table,
  called,
  memory,
  data,
}: ModuleParts): Uint8Array<ArrayBuffer> {
  const { types, indexOf } = signatureTable([
    ...(called === undefined ? [] : [called]),
    ...functions.map(({ signature }) => signature),
  ]);
  const to = new Bytes();
  to.bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  section(to, 1, typeSection(types));
  section(to, 2, importSection(memory));
  section(to, 3, (content) => {
    content.list(functions, ({ signature }) => {
      content.unsigned(indexOf(signature));
    });
  });
  section(to, 4, (content) => {
    content.bytes([1, FUNCREF, TABLE_EXPORT]);
    content.unsigned(table.length);
  });
  section(to, 7, exportSection(functions));
  if (table.length > 0)
    section(to, 9, (content) => {
      content.bytes([1, 0, 0x41, 0, 0x0b]);
      content.list(table, (index) => {
        content.unsigned(index);
      });
    });
  section(to, 10, (content) => {
    content.list(functions, ({ code }) => {
      content.unsigned(code.length);
      content.bytes(code);
    });
  });
  if (data.length > 0) section(to, 11, dataSection(data));
  return to.finish();
}

type Section = (content: Bytes) => void;

function section(to: Bytes, id: number, write: Section): void {
  to.byte(id);
  to.sized(write);
}

const typeSection =
  (types: readonly Signature[]): Section =>
  (content) => {
    content.list(types, ({ parameters, results }) => {
      content.byte(FUNCTION);
      for (const list of [parameters, results])
        content.list(list, (type) => {
          content.byte(typeBytes[type]);
        });
    });
  };

const importSection =
  ({ shared, pages, most }: ModuleParts["memory"]): Section =>
  (content) => {
    content.unsigned(1);
    content.text("env");
    content.text("memory");
    content.bytes([2, shared ? 3 : 1]);
    content.unsigned(pages);
    content.unsigned(most);
  };

const exportSection =
  (functions: readonly ModuleFunction[]): Section =>
  (content) => {
    const named = functions.flatMap(({ exportName }, index) =>
      exportName === undefined ? [] : [{ exportName, index }],
    );
    content.list(named, ({ exportName, index }) => {
      content.text(exportName);
      content.byte(0);
      content.unsigned(index);
    });
  };

const dataSection =
  (data: ModuleParts["data"]): Section =>
  (content) => {
    content.list(data, ({ address, bytes }) => {
      content.bytes([0, 0x41]);
      content.signed(address);
      content.byte(0x0b);
      content.unsigned(bytes.length);
      content.bytes(bytes);
    });
  };
