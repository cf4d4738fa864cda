import { block, forLoop, fragment, sumText, wrapped } from "../text.ts";
import type { Code } from "../../../support/text.ts";

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const numbers = (names: readonly string[]): string[] => names.map((name) => `${name}«: number»`);

/** Rows of x and columns of w in a block of a product, and how much of their depth is packed at once. */
export const BLOCK = 128;

/**
 * One row of x by eight columns of w, read where they lie: what is left for products of a few rows, which would not
 * make good for packing w.
 */
function dotRow(): Code[] {
  const columns = range(8);
  const parameters = [
    "depth«: number»",
    "x«: Float32Array»",
    "x0«: number»",
    "w«: Float32Array»",
    ...numbers(columns.map((j) => `w${j}`)),
    "wStep«: number»",
  ];
  return [
    ...wrapped("function dot1x8(", parameters, ")«: void» {"),
    [
      ...columns.map((j) => `let s${j} = 0;`),
      ...block("for (let k = 0, p = 0; k < depth; k++, p += wStep) {", [
        "const a = x[x0 + k];",
        ...columns.map((j) => `s${j} += a * w[w${j} + p];`),
      ]),
      ...columns.map((j) => `tile[${j}] = s${j};`),
    ],
    "}",
  ];
}

/**
 * The inner loop of a matrix product: 4 × 2 sums in registers over packed operands. What V8 makes of it decides its shape
 * (measured on a 3 GHz Zen 3 core with Node 20):
 *
 * - Panels are float64 arrays of a constant size that the module owns, and indices have a range that V8 can see (`&`, `min`): loads
 *   need neither conversion nor bounds check. 5.0 GFLOP/s for 4 × 4 sums, against 3.8 from the tensors as they lie.
 * - V8 computes all products of a turn before it adds the first, so that 4 × 4 sums and 16 products spill. 3 × 2 just
 *   fit: 6.9.
 * - A store keeps its place among loads and stores. That of the first two sums in each turn makes V8 add them
 *   first, and 4 × 2 fit: 7.4. The last turn leaves there what belongs there.
 * - There is no branch that could be new to code that is optimized already: V8 11 may enter such a function by its
 *   loop ever after (OSR), where it does not know the panels: 0.7. Packing a pair of columns is a function of its own for
 *   the same reason.
 */
function dotTile(): Code[] {
  const [rows, columns] = [range(4), range(2)];
  const sums = rows.flatMap((i) => columns.map((j) => ({ name: `s${i}${j}`, i, j })));
  const place = (start: string, i: number, j: number): string =>
    `product[${sumText(start, String(i * BLOCK + j))}]`;
  return [
    "function dot4x2(depth«: number», panel«: number», begun«: number», to«: number»)«: void» {",
    [
      `const length = Math.min(depth, ${BLOCK});`,
      `const from = panel & ${(BLOCK / 2 - 1) * BLOCK};`,
      `const o = to & ${BLOCK * BLOCK - 1};`,
      ...sums.map(({ name, i, j }) => `let ${name} = ${place("begun", i, j)};`),
      ...forLoop("k", "length", [
        "const p = from + k;",
        ...columns.map((j) => `const b${j} = right${j}[p];`),
        ...rows.flatMap((i) => [
          `const a${i} = left${i}[k];`,
          ...columns.map((j) => `s${i}${j} += a${i} * b${j};`),
          ...(i === 0 ? columns.map((j) => `${place("o", i, j)} = s${i}${j};`) : []),
        ]),
      ]),
      ...sums.map(({ name, i, j }) => `${place("o", i, j)} = ${name};`),
    ],
    "}",
  ];
}

/** Matrix products: `product` is a block of up to 128 rows × 128 columns that a kernel finishes and stores. */
export const productHelpers = {
  dot4x2: {
    code: [
      "/** The block of a product that is being made, in rows of 128; zeros follow, from which sums begin. */",
      `const product = new Float64Array(${BLOCK * BLOCK + 3 * BLOCK + 2});`,
      "/** Four rows of x, and pairs of columns of w one after the other. One element more shows V8 that an index fits. */",
      ...range(4).map((i) => `const left${i} = new Float64Array(${BLOCK + 1});`),
      ...range(2).map((j) => `const right${j} = new Float64Array(${(BLOCK / 2) * BLOCK + 1});`),
      "",
      "/** Four packed rows by two packed columns into product at `to`, added to what stands at `begun`. */",
      ...dotTile(),
    ],
  },
  dot1x8: {
    code: [
      "/** The sums of one row, eight columns at a time. */",
      "const tile = new Float64Array(8);",
      "",
      "/** One row of x by eight columns of w into tile; a step along w's depth is wStep long. */",
      ...dotRow(),
    ],
  },
  multiplyRow: {
    uses: ["dot1x8", "dot4x2"],
    code: [
      ...fragment`
        /** A row of product from w as it lies. Columns beyond the last repeat it, as reads past the end of an array are slow. */
        function multiplyRow(
          m«: number», columns«: number», depth«: number», x«: Float32Array», x0«: number»,
          w«: Float32Array», w0«: number», wRow«: number», wStep«: number»,
        )«: void» {
          const last = w0 + (columns - 1) * wRow;
      `,
      block("for (let n = 0; n < columns; n += 8) {", [
        "const w1 = w0 + n * wRow;",
        ...range(7).map((j) => `const w${j + 2} = n + ${j + 1} < columns ? w${j + 1} + wRow : last;`),
        "dot1x8(depth, x, x0, w, w1, w2, w3, w4, w5, w6, w7, w8, wStep);",
        `const length = Math.min(8, columns - n);`,
        ...forLoop("t", "length", [`product[${BLOCK} * m + n + t] = tile[t];`]),
      ]),
      "}",
    ],
  },
  packLeft: {
    uses: ["dot4x2"],
    code: fragment`
      /** Up to four rows of x, so far along their depth; rows beyond the last repeat it. */
      function packLeft(
        rows«: number», depth«: number», x«: Float32Array», x0«: number», xRow«: number», xStep«: number»,
      )«: void» {
        const length = Math.min(depth, 128);
        const last = rows - 1;
        let p0 = x0;
        let p1 = x0 + Math.min(1, last) * xRow;
        let p2 = x0 + Math.min(2, last) * xRow;
        let p3 = x0 + Math.min(3, last) * xRow;
        for (let k = 0; k < length; k++) {
          left0[k] = x[p0];
          left1[k] = x[p1];
          left2[k] = x[p2];
          left3[k] = x[p3];
          p0 += xStep;
          p1 += xStep;
          p2 += xStep;
          p3 += xStep;
        }
      }
    `,
  },
  packPair: {
    uses: ["dot4x2"],
    code: fragment`
      /** Two columns of w, so far along their depth. */
      function packPair(
        to«: number», depth«: number», w«: Float32Array», w0«: number», w1«: number», wStep«: number»,
      )«: void» {
        const length = Math.min(depth, 128);
        const panel = to & 8064;
        let p0 = w0;
        let p1 = w1;
        for (let k = 0; k < length; k++) {
          right0[panel + k] = w[p0];
          right1[panel + k] = w[p1];
          p0 += wStep;
          p1 += wStep;
        }
      }
    `,
  },
  multiplyBlock: {
    uses: ["multiplyRow", "packLeft", "packPair", "dot4x2"],
    code: fragment`
      /**
       * product = x wᵀ for up to 128 rows of x and 128 rows of w: x[m, k] stands at x0 + m · xRow + k · xStep and w[n, k] at
       * w0 + n · wRow + k · wStep, so both may lie in either order.
       */
      function multiplyBlock(
        rows«: number», columns«: number», depth«: number»,
        x«: Float32Array», x0«: number», xRow«: number», xStep«: number»,
        w«: Float32Array», w0«: number», wRow«: number», wStep«: number»,
      )«: void» {
        if (rows < 4 && xStep === 1) {
          for (let m = 0; m < rows; m++) multiplyRow(m, columns, depth, x, x0 + m * xRow, w, w0, wRow, wStep);
          return;
        }
        let done = 0;
        do {
          const length = Math.min(128, depth - done);
          for (let n = 0; n < columns; n += 2) {
            const w1 = w0 + n * wRow + done * wStep;
            packPair(64 * n, length, w, w1, n + 1 < columns ? w1 + wRow : w1, wStep);
          }
          for (let m = 0; m < rows; m += 4) {
            packLeft(rows - m, length, x, x0 + m * xRow + done * xStep, xRow, xStep);
            for (let n = 0; n < columns; n += 2) {
              const to = 128 * m + n;
              dot4x2(length, 64 * n, done === 0 ? 16384 : to, to);
            }
          }
          done += 128;
        } while (done < depth);
      }
    `,
  },
  multiply: {
    uses: ["multiplyBlock"],
    code: fragment`
      /** out = x wᵀ, rows of out outStep apart; x and w as in multiplyBlock. */
      function multiply(
        rows«: number», columns«: number», depth«: number»,
        x«: Float32Array», x0«: number», xRow«: number», xStep«: number»,
        w«: Float32Array», w0«: number», wRow«: number», wStep«: number»,
        out«: Float32Array», out0«: number», outStep«: number»,
      )«: void» {
        for (let n = 0; n < columns; n += 128) {
          const width = Math.min(128, columns - n);
          for (let m = 0; m < rows; m += 128) {
            const height = Math.min(128, rows - m);
            multiplyBlock(height, width, depth, x, x0 + m * xRow, xRow, xStep, w, w0 + n * wRow, wRow, wStep);
            for (let i = 0; i < height; i++) {
              const o = out0 + (m + i) * outStep + n;
              for (let j = 0; j < width; j++) out[o + j] = product[128 * i + j];
            }
          }
        }
      }
    `,
  },
  weighSeen: {
    code: fragment`
      /**
       * Makes a row of attention again if it holds NaN, without the keys that have no weight: a hidden key has no part
       * whatever its value is, but 0 · NaN and 0 · ∞ are NaN.
       */
      function weighSeen(
        width«: number», keys«: number», weights«: Float32Array», weightsAt«: number»,
        v«: Float32Array», vAt«: number», vRow«: number», out«: Float32Array», outAt«: number»,
      )«: void» {
        let total = 0;
        for (let i = 0; i < width; i++) total += out[outAt + i];
        if (!Number.isNaN(total)) return;
        out.fill(0, outAt, outAt + width);
        for (let s = 0; s < keys; s++) {
          const weight = weights[weightsAt + s];
          if (weight === 0) continue;
          for (let i = 0; i < width; i++) out[outAt + i] += weight * v[vAt + s * vRow + i];
        }
      }
    `,
  },
} as const;
