import { describe, expect, test } from "vitest";
import { KernelBuilder } from "../../../src/emit/loops/builder.ts";
import { plus } from "../../../src/emit/loops/formula.ts";
import type { Place } from "../../../src/emit/loops/place.ts";
import { denseView } from "../../../src/kernels/view.ts";
import { dim } from "../../../src/tensor/dim.ts";
import { tensorType } from "../../../src/tensor/type.ts";
import { verifyKernel } from "../../../src/emit/loops/verify.ts";
import type { Name } from "../../../src/emit/loops/tree.ts";

interface Given {
  readonly k: KernelBuilder;
  readonly n: Name;
  readonly x: Place;
  readonly out: Place;
}

/** Verifies a kernel over two tensors of four elements. */
function verify(write: (given: Given) => void): void {
  const k = new KernelBuilder();
  const type = tensorType("f32", 4);
  const given = {
    k,
    n: k.size("n", dim(4)),
    x: k.tensor("x", denseView(0, type)),
    out: k.tensor("out", denseView(1, type)),
  };
  write(given);
  verifyKernel(k.finish("kernel", "A kernel."));
}

describe("a kernel is refused", () => {
  test("whose lanes read what others write", () => {
    const write = ({ k, n, out }: Given): void =>
      k.lanes("i", n, (i) => k.store(out.at(i), plus(out.at(i).at(1), 1)));
    expect(() => verify(write)).toThrow("lanes of i in kernel read what others write in out");
  });

  test("whose lanes all write one element", () => {
    const write = ({ k, n, x, out }: Given): void => k.lanes("i", n, (i) => k.store(out, x.at(i)));
    expect(() => verify(write)).toThrow("turns of i in kernel write one element of out");
  });

  test("whose rows add to a total from outside", () => {
    const write = ({ k, n, x }: Given): void => {
      const sum = k.total("sum");
      k.rows("i", n, (i) => k.take(sum, x.at(i)));
    };
    expect(() => verify(write)).toThrow("rows of i in kernel add to sum");
  });

  test("whose lanes read a total that they add to", () => {
    const write = ({ k, n, x, out }: Given): void => {
      const sum = k.total("sum");
      k.lanes("i", n, (i) => {
        k.take(sum, x.at(i));
        k.store(out.at(i), sum);
      });
    };
    expect(() => verify(write)).toThrow("turns of i in kernel read sum, which is no number yet");
  });

  test("whose folds read what they take or add to, or write what is no turn's own", () => {
    const folds = (write: (given: Given, i: Name) => void) => (): void =>
      verify((given) => given.k.loop("folds", "i", given.n, (i) => write(given, i)));
    expect(folds(({ k, x, out }, i) => k.store(out, x.at(i)))).toThrow("write one element of out");
    const reading = ({ k, x, out }: Given, i: Name): void => {
      k.add(out, x.at(i));
      k.store(x.at(i), out);
    };
    expect(folds(reading)).toThrow("turns of i in kernel read what they add to in out");
    const early = ({ k, n, x, out }: Given): void => {
      const sum = k.total("sum");
      k.loop("folds", "i", n, (i) => {
        k.take(sum, x.at(i));
        k.store(out.at(i), sum);
      });
    };
    expect(() => verify(early)).toThrow("turns of i in kernel read sum, which is no number yet");
    expect(folds(({ k, x, out }, i) => k.add(out, x.at(i)))).not.toThrow();
  });

  test("whose lanes have branches or lanes in them", () => {
    const branch = ({ k, n, x, out }: Given): void =>
      k.lanes("i", n, (i) => k.when(x.at(i), () => k.store(out.at(i), 1)));
    expect(() => verify(branch)).toThrow("lanes of i in kernel are not straight");
    const nested = ({ k, n, x, out }: Given): void =>
      k.lanes("i", n, (i) => k.lanes("j", n, (j) => k.store(out.at(i).at(j), x.at(j))));
    expect(() => verify(nested)).toThrow("lanes of i in kernel are not straight");
  });

  test("that defines a name twice, or reads one that is not known", () => {
    const twice = ({ k, x }: Given): void => {
      k.let("a", x);
      k.let("a", x);
    };
    expect(() => verify(twice)).toThrow("a is defined twice in kernel");
    const outside = ({ k, n, x, out }: Given): void => {
      let last: Name | undefined;
      k.turns("i", n, (i) => (last = k.let("a", x.at(i))));
      k.store(out, last!);
    };
    expect(() => verify(outside)).toThrow("a is not known in kernel");
  });
});

test("lanes may add to a total from outside, and to what stands at their own place", () => {
  const write = ({ k, n, x, out }: Given): void => {
    const sum = k.total("sum");
    k.lanes("i", n, (i) => {
      k.take(sum, x.at(i));
      k.add(out.at(i), x.at(i));
    });
    k.store(out, sum);
  };
  expect(() => verify(write)).not.toThrow();
});
