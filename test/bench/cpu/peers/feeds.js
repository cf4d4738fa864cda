/** Inputs as onnxruntime's tensors; whole numbers and masks are int64, as in published models. */
export const feedsOf = (Tensor, row, inputs) =>
  Object.fromEntries(
    row.inputs.map(({ name, dtype }) => {
      const { data, shape } = inputs[name];
      const tensor =
        dtype === "f32"
          ? new Tensor("float32", data, shape)
          : new Tensor("int64", BigInt64Array.from(data, BigInt), shape);
      return [name, tensor];
    }),
  );
