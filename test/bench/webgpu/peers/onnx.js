import * as ort from "onnxruntime-web/webgpu";

/** The same layers as an ONNX model, with all of the session's own graph optimizations. */
export async function open({ onnx, sizes: { B, T, dim } }) {
  ort.env.wasm.wasmPaths = { mjs: "/ort.mjs", wasm: "/ort.wasm" };
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(onnx, {
    executionProviders: ["webgpu"],
    graphOptimizationLevel: "all",
  });
  const [output] = session.outputNames;
  return async (x) => {
    const results = await session.run({ x: new ort.Tensor("float32", x, [B, T, dim]) });
    return results[output].getData();
  };
}
