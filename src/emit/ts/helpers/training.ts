import { fragment } from "../text.ts";

/** What backward kernels share. */
export const trainingHelpers = {
  threefry: {
    code: fragment`
      /** The first word of threefry2x32 with 20 rounds (Salmon et al. 2011), 0 to 2³² - 1. */
      function threefry(key0«: number», key1«: number», counter0«: number», counter1«: number»)«: number» {
        const keys = [key0 | 0, key1 | 0, key0 ^ key1 ^ 0x1bd11bda];
        let x = (counter0 + keys[0]) | 0;
        let y = (counter1 + keys[1]) | 0;
        for (let round = 0; round < 20; round++) {
          const turn = turns[round & 7];
          x = (x + y) | 0;
          y = (y << turn) | (y >>> (32 - turn));
          y ^= x;
          if ((round & 3) !== 3) continue;
          const group = (round >> 2) + 1;
          x = (x + keys[group % 3]) | 0;
          y = (y + keys[(group + 1) % 3] + group) | 0;
        }
        return x >>> 0;
      }
      const turns = [13, 15, 26, 6, 17, 29, 16, 24];
    `,
  },
  addOuter: {
    code: fragment`
      /** out[s] += Σ weights[r, s] · x[r] for rows of x and of out; four rows of x at a time. */
      function addOuter(
        rows«: number», keys«: number», width«: number», weights«: Float32Array», weightsAt«: number»,
        x«: Float32Array», xAt«: number», xRow«: number», out«: Float32Array», outAt«: number», outRow«: number»,
      )«: void» {
        for (let r = 0; r < rows; r += 4) {
          const [r1, r2, r3] = [r + 1 < rows ? 1 : 0, r + 2 < rows ? 2 : 0, r + 3 < rows ? 3 : 0];
          const w0 = weightsAt + r * keys;
          const x0 = xAt + r * xRow;
          const [x1, x2, x3] = [x0 + r1 * xRow, x0 + r2 * xRow, x0 + r3 * xRow];
          for (let s = 0; s < keys; s++) {
            const a = weights[w0 + s];
            const b = r1 === 0 ? 0 : weights[w0 + keys + s];
            const c = r2 === 0 ? 0 : weights[w0 + 2 * keys + s];
            const d = r3 === 0 ? 0 : weights[w0 + 3 * keys + s];
            if (a === 0 && b === 0 && c === 0 && d === 0) continue;
            const o = outAt + s * outRow;
            for (let i = 0; i < width; i++)
              out[o + i] += a * x[x0 + i] + b * x[x1 + i] + c * x[x2 + i] + d * x[x3 + i];
          }
        }
      }
    `,
  },
} as const;
