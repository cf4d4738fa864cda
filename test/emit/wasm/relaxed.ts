import { setFlagsFromString } from "node:v8";

// V8 has relaxed SIMD behind this flag until 12, and does not know the flag later.
if (Number.parseInt(process.versions.v8, 10) < 12) setFlagsFromString("--experimental-wasm-relaxed-simd");
