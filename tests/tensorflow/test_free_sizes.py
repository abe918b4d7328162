"""A fully convolutional network with free height and width: one plan, several sizes."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")


def make_network():
    """Down by 4 with SAME padding and up again, with a skip; resized to the size of the input."""
    rng = np.random.default_rng(3)

    def weights(*shape):
        return tf.constant(rng.uniform(-0.3, 0.3, shape).astype(np.float32))

    w1, w2, w3 = weights(3, 3, 3, 8), weights(5, 5, 8, 12), weights(3, 3, 12, 1)
    w4, w5, bias = weights(3, 3, 8, 12), weights(1, 1, 20, 5), weights(8)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, name="x")])
    def network(x):
        a = tf.nn.relu(tf.nn.conv2d(x, w1, 2, "SAME"))
        b = tf.nn.max_pool2d(tf.nn.conv2d(a, w2, 2, "SAME"), 3, 1, "SAME")
        b = tf.nn.relu6(tf.nn.depthwise_conv2d(b, w3, [1, 1, 1, 1], "SAME"))
        small = tf.shape(a)
        up = tf.nn.conv2d_transpose(b, w4, [small[0], small[1], small[2], 8], 2, "SAME")
        up = tf.nn.relu(tf.nn.bias_add(up, bias))
        twice = tf.image.resize(b, small[1:3], "nearest")
        logits = tf.nn.conv2d(tf.concat([up, twice], 3), w5, 1, "SAME")
        return {"y": tf.image.resize(logits, tf.shape(x)[1:3]), "mean": tf.reduce_mean(b, [1, 2])}

    return network


def test_one_plan_for_several_sizes(tmp_path):
    hone = pytest.importorskip("hone")
    network = make_network()
    module = tf.Module()
    module.network = network
    tf.saved_model.save(module, str(tmp_path / "model"), network.get_concrete_function())
    engine = hone.load(hone.build(str(tmp_path / "model"), tune=False))
    rng = np.random.default_rng(0)
    for n, h, w in [(1, 32, 48), (2, 21, 35), (1, 4, 9), (3, 63, 40), (1, 97, 14)]:
        x = rng.uniform(-1, 1, (n, h, w, 3)).astype(np.float32)
        found = engine({"x": x})
        for name, wanted in network(x).items():
            assert found[name].shape == wanted.shape, (name, h, w)
            # Some 300 terms of magnitude 1 at most in each of five layers.
            np.testing.assert_allclose(found[name], wanted.numpy(), rtol=0, atol=1e-4)
