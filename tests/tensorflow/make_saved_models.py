"""Writes small SavedModels, one per construct the importer must understand, into a folder.

    python make_saved_models.py OUT_DIR [NAME ...]

Needs TensorFlow and Keras. Without names all small models are written; the application models
("mobilenetv2", "resnet50") only when they are named, because they take a minute each. Weights are
random but seeded, and batch-norm statistics are made non-trivial, so that two exports are equal and a
lost variable shows in the outputs.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def _functional(function, shape, dtype="float32", batch=None):
    inputs = keras.Input(shape, dtype=dtype, batch_size=batch, name="x")
    return keras.Model(inputs, function(inputs))


def mlp():
    return _functional(lambda x: layers.Dense(3)(layers.Dense(8, activation="relu")(x)), (4,))


def mlp_fixed_batch():
    return _functional(lambda x: layers.Dense(3, activation="softmax")(x), (4,), batch=2)


def conv_batch_norm():
    def net(x):
        x = layers.Conv2D(8, 3, strides=2, padding="same")(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.MaxPooling2D()(x)
        x = layers.Conv2D(4, 3, use_bias=False, dilation_rate=2, padding="same")(x)
        x = layers.BatchNormalization()(x)
        return layers.Dense(5, activation="softmax")(layers.GlobalAveragePooling2D()(x))

    return _functional(net, (16, 16, 3))


def mobilenet_block():
    def net(x):
        y = layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(24, 1, use_bias=False)(x)))
        y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(8, 1, use_bias=False)(y))
        return layers.Add()([x, y])

    return _functional(net, (8, 8, 8))


def embedding():
    return _functional(lambda x: layers.Flatten()(layers.Embedding(20, 4)(x)), (5,), "int32")


def lstm():
    return _functional(lambda x: layers.Dense(3)(layers.LSTM(8)(x)), (10, 4))


def gru_sequences():
    return _functional(lambda x: layers.GRU(6, return_sequences=True)(x), (7, 4))


def masked_lstm():
    return _functional(
        lambda x: layers.LSTM(8)(layers.Embedding(20, 4, mask_zero=True)(x)), (5,), "int32"
    )


class _Scale(tf.Module):
    def __init__(self, seed):
        super().__init__()
        self.w = tf.Variable(np.random.RandomState(seed).rand(4, 4).astype("f"), name="w")
        self.unused = tf.Variable(1.0)


class CondModule(tf.Module):
    """List of submodules, captured constant, f16 and bf16 variables, tf.cond, split, top_k."""

    def __init__(self):
        super().__init__()
        self.parts = [_Scale(1), _Scale(2)]
        self.constant = tf.constant(np.arange(4, dtype="f"))
        self.half = tf.Variable(tf.constant([0.5, 1.5, -2.0, 3.0], tf.float16))
        self.brain = tf.Variable(tf.constant([1.0, 0.25, 0.0, -8.0], tf.bfloat16))
        self.branch = tf.Variable(2.5)

    @tf.function(input_signature=[tf.TensorSpec([None, 4], name="x")])
    def __call__(self, x):
        for part in self.parts:
            x = tf.matmul(x, part.w) + self.constant
        x = tf.cond(tf.reduce_sum(x) > 0.0, lambda: x * self.branch, lambda: x - self.branch)
        _, b = tf.split(x, 2, axis=1)
        _, i = tf.math.top_k(x, 2)
        y = x + tf.cast(self.half, tf.float32) + tf.cast(self.brain, tf.float32)
        return {"y": y, "b": b, "i": i}


class LoopModule(tf.Module):
    """A while loop that captures a variable, passed on to a nested function, and one with a gather."""

    def __init__(self):
        super().__init__()
        self.w = tf.Variable(np.random.RandomState(3).rand(4, 4).astype("f") * 0.3)
        self.table = tf.Variable(np.random.RandomState(4).rand(5, 4).astype("f"))

    @tf.function
    def _inner(self, x):
        return tf.matmul(x, self.w)

    @tf.function(input_signature=[tf.TensorSpec([None, 4], name="x")])
    def __call__(self, x):
        for i in tf.range(5):
            x = tf.tanh(self._inner(x)) + tf.gather(self.table, i)
            if tf.reduce_max(x) > 1.5:
                x = x - tf.reduce_mean(self.w)
        return {"y": x}


class CounterModule(tf.Module):
    """A signature that writes one variable and only reads another."""

    def __init__(self):
        super().__init__()
        self.count = tf.Variable(0.0)
        self.w = tf.Variable(3.0)

    @tf.function(input_signature=[tf.TensorSpec([None], name="x")])
    def __call__(self, x):
        self.count.assign_add(1.0)
        return {"y": x * self.w + self.count}


class TableModule(tf.Module):
    """Strings and a hash table: stays in TensorFlow, but must not stop the rest."""

    def __init__(self):
        super().__init__()
        init = tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64))
        self.table = tf.lookup.StaticHashTable(init, -1)
        self.w = tf.Variable(tf.constant([1.0, 2.0]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="key")])
    def __call__(self, key):
        value = tf.cast(self.table.lookup(key), tf.float32)
        return {"y": tf.expand_dims(value, 1) * self.w}


KERAS = {
    f.__name__: f
    for f in (
        mlp, mlp_fixed_batch, conv_batch_norm, mobilenet_block, embedding, lstm, gru_sequences,
        masked_lstm,
    )
}  # fmt: skip
MODULES = {
    "cond_module": CondModule,
    "loop_module": LoopModule,
    "counter_module": CounterModule,
    "table_module": TableModule,
}
APPLICATIONS = {
    "mobilenetv2": lambda: keras.applications.MobileNetV2(weights=None),
    "resnet50": lambda: keras.applications.ResNet50(weights=None),
}


def v1_variables(path):
    """A TF1-style SavedModel: reference variables, restore nodes in the top graph, a v1 cond."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.disable_control_flow_v2()
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        with v1.variable_scope("dense", use_resource=False):
            initial = np.random.RandomState(5).rand(4, 3).astype("f")
            w = v1.get_variable("w", initializer=initial)
        y = tf.matmul(x, w)
        z = v1.cond(tf.reduce_sum(y) > 0, lambda: y * 2.0, lambda: tf.constant([[1.0, 2.0, 3.0]]))
        z = v1.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a + 1.0), [0, z])[1]
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, path, {"x": x}, {"y": tf.identity(z, name="y")})
        v1.enable_control_flow_v2()


def write(name, out_dir):
    path = os.path.join(out_dir, name)
    keras.utils.set_random_seed(1)
    if name == "v1_variables":
        v1_variables(path)
    elif name in MODULES:
        module = MODULES[name]()
        tf.saved_model.save(module, path, signatures={"serving_default": module.__call__})
    else:
        model = {**KERAS, **APPLICATIONS}[name]()
        random = np.random.RandomState(2)
        for layer in model.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.set_weights(
                    [random.uniform(0.5, 1.5, w.shape).astype("f") for w in layer.get_weights()]
                )
        model.export(path, verbose=False)
    return path


def main():
    out_dir = sys.argv[1]
    names = sys.argv[2:] or [*KERAS, *MODULES, "v1_variables"]
    for name in names:
        print(write(name, out_dir), flush=True)


if __name__ == "__main__":
    main()
