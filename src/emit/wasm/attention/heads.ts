import type { View } from "../../../kernels/view.ts";
import type { I32, Statement } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { rowsOf, type Attributes, type QueryRows, type Rows, type Sizes } from "./geometry.ts";
import type { RowOf } from "./stretched.ts";

/** Tensors of queries and of keys, as they lie for one batch item and key head. */
export class Heads<OfQueries extends string, OfKeys extends string> {
  readonly #tensors: Readonly<Record<OfQueries | OfKeys, Rows>>;
  /** Where the first row of the head, or of the first head of its group, stands. */
  readonly #at: ReadonlyMap<string, Local<"i32">>;
  readonly #queries: readonly OfQueries[];
  readonly #rows: QueryRows;
  readonly #group: I32;
  readonly #item: Local<"i32">;
  readonly #keyHead: Local<"i32">;

  constructor(
    k: KernelWriter,
    phase: Phase,
    rows: QueryRows,
    given: {
      readonly sizes: Sizes;
      readonly attrs: Attributes;
      readonly queries: Readonly<Record<OfQueries, View>>;
      readonly keys: Readonly<Record<OfKeys, View>>;
    },
  ) {
    const views = Object.entries<View>({ ...given.queries, ...given.keys });
    const tensors = views.map(([name, view]) => [name, rowsOf(k, view, given.attrs.layout)(phase)]);
    this.#tensors = Object.fromEntries(tensors) as Record<OfQueries | OfKeys, Rows>;
    this.#at = new Map(views.map(([name]) => [name, phase.local("i32")]));
    this.#queries = Object.keys(given.queries) as OfQueries[];
    this.#rows = rows;
    this.#group = k.size(given.sizes.group)(phase);
    this.#item = phase.local("i32");
    this.#keyHead = phase.local("i32");
  }

  /** Goes to a batch item and a key head. */
  enter(item: I32, keyHead: I32): Statement[] {
    const first = i32.mul(this.#keyHead.get, this.#group);
    return [
      this.#item.set(item),
      this.#keyHead.set(keyHead),
      ...[...this.#at].map(([name, local]) => {
        const tensor = this.#tensors[name as OfQueries | OfKeys];
        const head = (this.#queries as readonly string[]).includes(name) ? first : this.#keyHead.get;
        const ofItem = i32.add(tensor.at, i32.mul(this.#item.get, tensor.batch));
        return local.set(i32.add(ofItem, i32.mul(head, tensor.head)));
      }),
    ];
  }

  /** Rows of keys, the first of them where `at` is now. */
  ofKeys(name: OfKeys): Pick<Rows, "at" | "row" | "width"> {
    return { ...this.#tensors[name], at: this.#at.get(name)!.get };
  }

  widthOf(name: OfQueries | OfKeys): I32 {
    return this.#tensors[name].width;
  }

  queryAt(name: OfQueries, row: I32): I32 {
    const { head, row: step } = this.#tensors[name];
    const ofHead = i32.add(this.#at.get(name)!.get, i32.mul(this.#rows.headOf(row), head));
    return i32.add(ofHead, i32.mul(this.#rows.queryOf(row), step));
  }

  keyAt(name: OfKeys, key: I32): I32 {
    return i32.add(this.#at.get(name)!.get, i32.mul(key, this.#tensors[name].row));
  }

  /** Whose scores those of a row are. */
  whose(row: I32): RowOf {
    const head = i32.add(i32.mul(this.#keyHead.get, this.#group), this.#rows.headOf(row));
    return { item: this.#item.get, head, query: this.#rows.queryOf(row) };
  }
}
