"""
Models that Keras 3 saved, and what it computes: keras/<name>.keras, some also as .h5, and <name>.npz with inputs and outputs.

    python test/golden/keras_models.py            remakes them (Keras 3.15.1 on TensorFlow 2.21.0)
    python test/golden/keras_models.py --check F  loads each F/<name>.keras that lmg wrote, and holds it to the golden outputs

`seed` is the program that this project began with: Dense, batch norm, and an Add between the dense layers.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import keras
import numpy as np
from keras import layers

HERE = Path(__file__).parent / "keras"
# Float32 there and here, each sum in its own order, of the largest output.
TOLERANCE = 1e-6


def seed():
    image = keras.Input((64,), name="image")
    first = layers.Dense(16, activation="relu", name="dense")(image)
    x = layers.BatchNormalization(name="bn")(first)
    x = layers.Dense(16, activation="relu", name="dense_1")(x)
    x = layers.Add(name="add")([x, first])
    x = layers.BatchNormalization(name="bn_1")(x)
    model = keras.Model(image, layers.Dense(10, name="dense_2")(x), name="mnist")
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def images():
    return keras.Sequential([
        keras.Input((8, 8, 1), name="image"), layers.Rescaling(1 / 16), layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.BatchNormalization(), layers.MaxPooling2D(), layers.Conv2D(6, 3, use_bias=False), layers.Flatten(), layers.Dropout(0.3),
        layers.Dense(5, activation="softmax")], name="images")


def encoder():
    tokens = keras.Input((6,), name="tokens")
    x = layers.Embedding(11, 8, name="table")(tokens)
    for index in range(2):
        normed = layers.LayerNormalization(epsilon=1e-6, name=f"norm_{index}")(x)
        a = layers.MultiHeadAttention(2, 4, name=f"attention_{index}")(normed, normed, use_causal_mask=index == 1)
        x = layers.Add(name=f"after_attention_{index}")([x, layers.Dropout(0.1)(a)])
        h = layers.Dense(12, activation="gelu", name=f"up_{index}")(x)
        h = layers.Dense(8, name=f"down_{index}")(h)
        x = layers.LayerNormalization(name=f"post_{index}")(layers.Add()([x, h]))
    x = layers.GlobalAveragePooling1D()(x)
    short = layers.Dense(5, use_bias=False, name="short")(x)
    long = layers.Dense(5, activation="tanh", name="long_1")(layers.Dense(7, activation="silu", name="long_0")(x))
    return keras.Model(tokens, layers.Add(name="sum")([short, long]), name="encoder")


def two_ways():
    a, b = keras.Input((3,), name="a"), keras.Input((4,), name="b")
    both = layers.Concatenate(name="both")([layers.Dense(5, name="left")(a), b])
    gate = layers.Activation("sigmoid", name="gate")(layers.Dense(9, name="gates")(both))
    return keras.Model([a, b], [layers.Multiply(name="gated")([both, gate]), layers.Dense(2, name="head")(both)], name="two_ways")


MODELS = {make.__name__: make for make in (seed, images, encoder, two_ways)}


def inputs_of(model, random):
    drawn = {}
    for each in model.inputs:
        shape = (3, *each.shape[1:])
        drawn[each.name.split(":")[0]] = (random.integers(0, 11, shape) if each.name.startswith("tokens") else random.standard_normal(shape)).astype("float32")
    return drawn


def outputs_of(model, inputs):
    results = model([inputs[each.name.split(":")[0]] for each in model.inputs] if len(model.inputs) > 1 else next(iter(inputs.values())), training=False)
    return [np.asarray(result) for result in (results if isinstance(results, (list, tuple)) else [results])]


def make():
    HERE.mkdir(exist_ok=True)
    for index, (name, build) in enumerate(MODELS.items()):
        keras.utils.clear_session()
        random = np.random.default_rng(index)
        model = build()
        # Every weight its own, and no statistic as it begins: variances are above 0.
        model.set_weights([0.5 + np.abs(random.standard_normal(w.shape)) if "variance" in v.path else 0.3 * random.standard_normal(w.shape)
                           for v, w in zip(model.weights, model.get_weights())])
        inputs = inputs_of(model, random)
        outputs = {f"output.{i}": result for i, result in enumerate(outputs_of(model, inputs))}
        model.save(HERE / f"{name}.keras")
        if name == "seed":
            model.save(HERE / f"{name}.h5")
        np.savez(HERE / f"{name}.npz", **({f"input.{key}": value for key, value in inputs.items()} | outputs))
        print(name, sum(path.stat().st_size for path in HERE.glob(f"{name}.*")), "bytes")


def check(folder):
    failed = 0
    for path in sorted(Path(folder).glob("*.keras")):
        model = keras.models.load_model(path)
        tensors = dict(np.load(HERE / f"{path.stem}.npz"))
        inputs = {key[6:]: value for key, value in tensors.items() if key.startswith("input.")}
        if (Path(folder) / f"{path.stem}.npz").exists():
            tensors = dict(np.load(Path(folder) / f"{path.stem}.npz"))
        worst = max(np.abs(result - tensors[f"output.{i}"]).max() / np.abs(tensors[f"output.{i}"]).max()
                    for i, result in enumerate(outputs_of(model, inputs)))
        failed += not worst <= TOLERANCE
        print(f"{'ok  ' if worst <= TOLERANCE else 'FAIL'} {path.name}: {worst:.1e} of the largest output")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    check(sys.argv[2]) if sys.argv[1:2] == ["--check"] else make()
