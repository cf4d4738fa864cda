"""Keras on TensorFlow: `keras_runner.py FOLDER batch|batch-plain|step|step-xla`.

`train_on_batch` of a compiled model is what one writes first; Keras compiles it with XLA, `batch-plain` turns that off. The
two others are a `tf.function` of one's own, with and without XLA.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import tensorflow as tf
from keras import layers

from serve import Task, serve


def digits():
    """784-256-256-10 with batch norm and a residual edge; momentum, epsilon and initializers are Keras's defaults."""
    image = keras.Input((784,))
    first = layers.Dense(256, activation="relu", name="dense")(image)
    second = layers.Dense(256, activation="relu", name="dense_1")(layers.BatchNormalization(name="bn")(first))
    normed = layers.BatchNormalization(name="bn_1")(layers.Add()([second, first]))
    return keras.Model(image, layers.Dense(10, name="dense_2")(normed))


def load(model, parameters):
    """Keras keeps [in, out] where the others keep [out, in], and a layer's tensors in this order."""
    for layer in model.layers:
        names = {
            layers.Dense: ["weight", "bias"],
            layers.BatchNormalization: ["weight", "bias", "running_mean", "running_var"],
        }.get(type(layer), [])
        layer.set_weights([parameters[f"{layer.name}.{name}"].T for name in names])


def main(folder, variant):
    task = Task(folder)
    tf.config.threading.set_intra_op_parallelism_threads(task.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = digits()
    load(model, task.parameters)
    beta_1, beta_2 = task.optimizer["betas"]
    optimizer = keras.optimizers.Adam(task.rates[0], beta_1, beta_2, task.optimizer["eps"])
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    version = f"Keras {keras.__version__}, TensorFlow {tf.__version__}"

    if variant.startswith("batch"):
        model.compile(optimizer, loss_of, jit_compile="auto" if variant == "batch" else False)
        serve(version, lambda i: float(model.train_on_batch(task.inputs[i], task.targets[i])))
        return

    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=variant == "step-xla")
    def train(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    inputs, targets = tf.constant(task.inputs), tf.constant(task.targets)
    batches = list(zip(tf.unstack(inputs), tf.unstack(targets)))
    serve(version, lambda i: float(train(*batches[i])))


main(*sys.argv[1:])
