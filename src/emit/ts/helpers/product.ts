import { block, forLoop, fragment, wrapped } from "../text.ts";
import type { Code } from "../../../support/text.ts";

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const numbers = (names: readonly string[]): string[] => names.map((name) => `${name}«: number»`);

/**
 * The inner loop of a matrix product with its rows × columns sums in local variables: each element that is loaded is
 * used `columns` or `rows` times. 4 × 4 is what plain JavaScript does best (4.3 GFLOP/s on a 3 GHz Zen 3 core, where
 * naive loops reach 0.9): more sums spill from registers.
 */
function dotTile(name: string, rows: number, columns: number): Code[] {
  const [xs, ws] = [range(rows), range(columns)];
  const parameters = [
    "depth«: number»",
    "x«: Float32Array»",
    ...numbers(xs.map((i) => `x${i}`)),
    "w«: Float32Array»",
    ...numbers(ws.map((j) => `w${j}`)),
    "wStep«: number»",
  ];
  const sums = xs.flatMap((i) => ws.map((j) => ({ name: `s${i}${j}`, i, j })));
  return [
    ...wrapped(`function ${name}(`, parameters, ")«: void» {"),
    [
      ...sums.map((sum) => `let ${sum.name} = 0;`),
      ...block("for (let k = 0, p = 0; k < depth; k++, p += wStep) {", [
        ...xs.map((i) => `const a${i} = x[x${i} + k];`),
        ...ws.map((j) => `const b${j} = w[w${j} + p];`),
        ...sums.map((sum) => `${sum.name} += a${sum.i} * b${sum.j};`),
      ]),
      ...sums.map((sum) => `tile[${sum.i * columns + sum.j}] = ${sum.name};`),
    ],
    "}",
  ];
}

/** Matrix products: `product` is a block of up to 4 rows × 64 columns that a kernel finishes and stores. */
export const productHelpers = {
  dot4x4: {
    code: [
      "/** Four rows of x by four columns of w into tile; a step along w's depth is wStep long. */",
      ...dotTile("dot4x4", 4, 4),
    ],
  },
  dot1x8: {
    code: [
      "/** One row of x by eight columns of w into tile: what is left of the rows, and all of a single token. */",
      ...dotTile("dot1x8", 1, 8),
    ],
  },
  multiplyBlock: {
    uses: ["dot4x4", "dot1x8"],
    code: [
      ...fragment`
        /** The sums of one tile, row by row. */
        const tile = new Float64Array(16);
        /** The block of a product that is being made: rows of 64. */
        const product = new Float64Array(4 * 64);

        /**
         * product = x wᵀ for up to 4 rows of x and 64 rows of w: x[m, k] stands at x0 + m · xStep + k, w[n, k] at
         * w0 + n · wRow + k · wStep, so w may lie in either order. A tile's columns beyond the last
         * repeat the last one, as reads past the end of an array are slow.
         */
        function multiplyBlock(
          rows«: number», columns«: number», depth«: number»,
          x«: Float32Array», x0«: number», xStep«: number»,
          w«: Float32Array», w0«: number», wRow«: number», wStep«: number»,
        )«: void» {
          const last = w0 + (columns - 1) * wRow;
          const isWhole = rows === 4;
      `,
      [
        ...block("for (let n = 0; isWhole && n < columns; n += 4) {", [
          "const w1 = w0 + n * wRow;",
          ...range(3).map((j) => `const w${j + 2} = n + ${j + 1} < columns ? w${j + 1} + wRow : last;`),
          "dot4x4(depth, x, x0, x0 + xStep, x0 + 2 * xStep, x0 + 3 * xStep, w, w1, w2, w3, w4, wStep);",
          ...forLoop("t", "16", ["product[64 * (t >> 2) + n + (t & 3)] = tile[t];"]),
        ]),
        ...block("for (let m = 0; !isWhole && m < rows; m++) {", [
          ...block("for (let n = 0; n < columns; n += 8) {", [
            "const w1 = w0 + n * wRow;",
            ...range(7).map((j) => `const w${j + 2} = n + ${j + 1} < columns ? w${j + 1} + wRow : last;`),
            "dot1x8(depth, x, x0 + m * xStep, w, w1, w2, w3, w4, w5, w6, w7, w8, wStep);",
            ...forLoop("t", "8", ["product[64 * m + n + t] = tile[t];"]),
          ]),
        ]),
      ],
      "}",
    ],
  },
  multiply: {
    uses: ["multiplyBlock"],
    code: fragment`
      /** out = x wᵀ, rows of out outStep apart; x and w as in multiplyBlock. */
      function multiply(
        rows«: number», columns«: number», depth«: number»,
        x«: Float32Array», x0«: number», xStep«: number»,
        w«: Float32Array», w0«: number», wRow«: number», wStep«: number»,
        out«: Float32Array», out0«: number», outStep«: number»,
      )«: void» {
        for (let n = 0; n < columns; n += 64) {
          const width = Math.min(64, columns - n);
          for (let m = 0; m < rows; m += 4) {
            const height = Math.min(4, rows - m);
            multiplyBlock(height, width, depth, x, x0 + m * xStep, xStep, w, w0 + n * wRow, wRow, wStep);
            for (let i = 0; i < height; i++) {
              const o = out0 + (m + i) * outStep + n;
              for (let j = 0; j < width; j++) out[o + j] = product[64 * i + j];
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
