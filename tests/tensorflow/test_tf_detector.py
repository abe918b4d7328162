"""A detector with TensorFlow's non-maximum suppression, as an engine and as a converted model."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
hone = pytest.importorskip("hone")

SIZE, CELLS, CLASSES = 32, 64, 3


class Detector(tf.Module):
    def __init__(self):
        super().__init__()
        rng = np.random.default_rng(7)

        def weights(inputs, outputs):
            shape = (3, 3, inputs, outputs)
            return tf.constant(rng.normal(0, np.sqrt(2 / (9 * inputs)), shape), tf.float32)

        self.stem, self.body = weights(3, 12), weights(12, 16)
        self.offsets, self.logits = weights(16, 4), weights(16, CLASSES)
        y, x = np.meshgrid(np.arange(8), np.arange(8), indexing="ij")
        corners = np.stack([y - 1, x - 1, y + 1, x + 1], -1).reshape(1, CELLS, 4) / 8
        self.anchors = tf.constant(corners, tf.float32)

    def heads(self, image):
        x = tf.nn.relu(tf.nn.conv2d(image, self.stem, 2, "SAME"))
        x = tf.nn.relu(tf.nn.conv2d(x, self.body, 2, "SAME"))
        boxes = tf.reshape(tf.nn.conv2d(x, self.offsets, 1, "SAME"), (-1, CELLS, 4))
        scores = tf.reshape(tf.nn.conv2d(x, self.logits, 1, "SAME"), (-1, CELLS, CLASSES))
        return self.anchors + 0.1 * tf.tanh(boxes), tf.sigmoid(scores)

    @tf.function(input_signature=[tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32)])
    def combined(self, image):
        boxes, scores = self.heads(image)
        found = tf.image.combined_non_max_suppression(
            boxes[:, :, None, :], scores, 10, 20, iou_threshold=0.3, score_threshold=0.55
        )
        return found._asdict()

    @tf.function(input_signature=[tf.TensorSpec((1, SIZE, SIZE, 3), tf.float32)])
    def separate(self, image):
        boxes, scores = self.heads(image)
        boxes, best = boxes[0], tf.reduce_max(scores[0], -1)
        kept = tf.image.non_max_suppression(boxes, best, 12, 0.3, 0.55)
        sure = tf.where(best > 0.6)
        return {
            "boxes": tf.gather(boxes, kept),
            "scores": tf.gather(best, kept),
            "labels": tf.gather(tf.argmax(scores[0], -1), kept),
            "sure": sure,
            "values": tf.boolean_mask(best, best > 0.6),
        }


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("detector"))
    model = Detector()
    signatures = {"combined": model.combined, "separate": model.separate}
    tf.saved_model.save(model, folder, signatures)
    return folder, model


def images(batch):
    rng = np.random.default_rng(3)
    # Not so much that scores round to 1: the order of equal ones would depend on roundings.
    for contrast in (1.0, 3.0, 0.0, 2.0, 1.0):
        yield (rng.normal(0, 1, (batch, SIZE, SIZE, 3)) * contrast).astype(np.float32)


@pytest.mark.parametrize(("signature", "batch"), [("combined", 2), ("separate", 1)])
def test_engine_agrees_with_tensorflow(saved, signature, batch):
    folder, model = saved
    engine = hone.load(hone.build(folder, signature=signature, tune=False))
    sizes = set()
    for image in images(batch):
        wanted = {k: v.numpy() for k, v in getattr(model, signature)(tf.constant(image)).items()}
        actual = engine(image)
        assert set(actual) == set(wanted)
        for key, value in wanted.items():
            assert actual[key].shape == value.shape, key
            assert actual[key].dtype == value.dtype, key
            np.testing.assert_allclose(actual[key], value, rtol=1e-4, atol=1e-5, err_msg=key)
        sizes.add(tuple(value.shape for value in wanted.values()))
    assert len(sizes) > (1 if signature == "separate" else 0)
