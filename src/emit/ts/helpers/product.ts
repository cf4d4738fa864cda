import { refusals } from "../../loops/refusals.ts";
import { block, forLoop, fragment } from "../../module/text.ts";
import { BLOCK, dotRow, dotTile, multiplyCode, range } from "./tiles.ts";

/** Matrix products: `product` is a block of up to 128 rows × 128 columns that a kernel finishes and stores. */
export const productHelpers = {
  dot4x2: {
    declares: ["product", ...range(4).map((i) => `left${i}`), ...range(2).map((j) => `right${j}`)],
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
    declares: ["tile"],
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
    code: multiplyCode(
      "multiply",
      "out = x wᵀ, rows of out outStep apart; x and w as in multiplyBlock.",
      "=",
    ),
  },
  multiplyAdd: {
    uses: ["multiplyBlock"],
    code: multiplyCode("multiplyAdd", "out += x wᵀ, otherwise as multiply.", "+="),
  },
  groupChoices: {
    code: [
      "/**",
      " * The choices in the order of what they chose: those of e stand at into[at + experts + 1 + i], i from into[at + e] up to",
      " * into[at + e + 1].",
      " */",
      "function groupChoices(",
      [
        "choices«: number», experts«: number», chosen«: Int32Array», chosenAt«: number»,",
        "into«: Float32Array», at«: number»,",
      ],
      ")«: void» {",
      [
        "into.fill(0, at, at + experts + 1);",
        ...forLoop("c", "choices", [
          "const e = chosen[chosenAt + c];",
          ...block("if (!(e >= 0 && e < experts)) {", [
            `throw new InputError(\`${refusals.index("e", "experts")}\`);`,
          ]),
          "into[at + e + 1]++;",
        ]),
        "let first = 0;",
        ...forLoop("e", "experts", [
          "const count = into[at + e + 1];",
          "into[at + e + 1] = first;",
          "first += count;",
        ]),
        ...forLoop("c", "choices", [
          "const place = into[at + chosen[chosenAt + c] + 1]++;",
          "into[at + experts + 1 + place] = c;",
        ]),
      ],
      "}",
    ],
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
  addSeen: {
    uses: ["multiplyAdd"],
    code: fragment`
      /**
       * Adds rows of x, times the weights that keys have in them, to the rows of the keys. Where x is no finite number, keys
       * without weight in its row are left out: 0 · NaN and 0 · ∞ are NaN.
       */
      function addSeen(
        keys«: number», width«: number», rows«: number», weights«: Float32Array», weightsAt«: number»,
        x«: Float32Array», xAt«: number», xRow«: number», out«: Float32Array», outAt«: number», outRow«: number»,
      )«: void» {
        let total = 0;
        for (let r = 0; r < rows; r++) for (let i = 0; i < width; i++) total += x[xAt + r * xRow + i];
        if (Number.isFinite(total)) {
          multiplyAdd(keys, width, rows, weights, weightsAt, 1, keys, x, xAt, 1, xRow, out, outAt, outRow);
          return;
        }
        for (let r = 0; r < rows; r++)
          for (let s = 0; s < keys; s++) {
            const weight = weights[weightsAt + r * keys + s];
            if (weight === 0) continue;
            for (let i = 0; i < width; i++) out[outAt + s * outRow + i] += weight * x[xAt + r * xRow + i];
          }
      }
    `,
  },
} as const;
