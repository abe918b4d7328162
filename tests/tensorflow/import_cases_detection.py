"""The table of import_cases.py: what detectors use, and results whose size depends on values."""

import itertools

import numpy as np
from import_cases import BATCH, F32, F64, I32, I64, Const, booleans, case, const, int_, numbers

# --- sorting and running sums ---------------------------------------------------------------------

TIED = numbers(4, 9, low=0, high=3, dtype=I32)
for x in (numbers(3, 7), numbers(700), TIED, TIED.astype(F32), TIED.astype(I64)):
    for k in (0, 1, 4):
        case("TopKV2", input=x, k=int_(k))
case("TopKV2", input=numbers(BATCH, 40), k=int_(40), batch=True)
case("TopKV2", input=numbers(2, 40), k=np.array(5, I32))
case("TopKV2", input=numbers(2, 40, dtype=F64), k=int_(5), index_type="int64")
for name, axis, exclusive, reverse in itertools.product(
    ("Cumsum", "Cumprod"), (0, -1), (False, True), (False, True)
):
    arguments = {"axis": int_(axis), "exclusive": exclusive, "reverse": reverse}
    case(name, x=numbers(3, 4, 2), **arguments)
    case(name, x=numbers(3, 4, dtype=I32), **arguments)
    case(name, x=numbers(BATCH, 4), batch=True, **arguments)

# --- lists of indices -----------------------------------------------------------------------------

for dtype, index in itertools.product((F32, I32, I64), (I32, I64)):
    x = numbers(4, 5, 3, dtype=dtype)
    case("GatherNd", params=x, indices=numbers(6, 2, low=0, high=3, dtype=index))
    case("GatherNd", params=x, indices=numbers(2, 6, 3, low=0, high=2, dtype=index))
    case("GatherNd", params=x, indices=Const(numbers(6, 1, low=0, high=3, dtype=index)))
    places = Const(np.array([[0, 1], [3, 4], [0, 1], [2, 2]], index))
    updates = numbers(4, 3, low=-9, high=9, dtype=dtype)
    for name in ("Update", "Add", "Sub", "Min", "Max"):
        # Updates of one place more than once are in no order for "Update".
        few = Const(places.value[1:]) if name == "Update" else places
        these = updates[1:] if name == "Update" else updates
        case(f"TensorScatter{name}", tensor=x, indices=few, updates=these)
    case("ScatterNd", indices=places, updates=updates, shape=Const(np.array([4, 5, 3], index)))
    case(
        "ScatterNd",
        indices=places,
        updates=numbers(4, dtype=dtype),
        shape=np.array([4, 5], index),
    )
for seq_dim, batch_dim in ((1, 0), (0, 1), (2, 0)):
    shape = [4, 4, 4, 2]
    lengths = Const(np.array([1, 4, 0, 3], I64))
    case(
        "ReverseSequence",
        input=numbers(*shape),
        seq_lengths=lengths,
        seq_dim=seq_dim,
        batch_dim=batch_dim,
    )

# --- results whose size depends on values ---------------------------------------------------------

for x in (booleans(3, 4), booleans(20), booleans(2, 3, 2) & False, numbers(5, 5, dtype=I32)):
    case("Where", condition=x)
case("Where", condition=numbers(BATCH, 4, low=-1, high=1, dtype=I64).astype(F32), batch=True)
for dtype, index in itertools.product((F32, I32, I64), ("int32", "int64")):
    x = numbers(20, low=-3, high=3, dtype=I32).astype(dtype)
    case("Unique", x=x, out_idx=index)
    case("UniqueWithCounts", x=x, out_idx=index)
case("Reshape", tensor=numbers(4, 6), shape=np.array([3, 8], I32))
case("Fill", dims=np.array([3, 2], I32), value=const(7))
case("Range", start=np.int32(2), limit=np.int32(11), delta=np.int32(3))
case("Range", start=np.float32(2), limit=np.float32(-1), delta=np.float32(-0.25))
case("Tile", input=numbers(2, 3), multiples=np.array([2, 3], I32))

# --- non-maximum suppression ----------------------------------------------------------------------


def corners(*shape, seed=0):
    """Boxes with corners in any order; many overlap."""
    rng = np.random.default_rng(seed)
    centers = rng.uniform(0, 1, (*shape, 2))
    sizes = rng.uniform(0.05, 0.5, (*shape, 2)) * rng.choice([-1, 1], (*shape, 2))
    return np.concatenate([centers - sizes, centers + sizes], -1).astype(F32)


def different(*shape, seed=1):
    """Scores of which no two are equal: TensorFlow does not say in which order those come."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape))
    return (rng.permutation(count).reshape(shape) / count).astype(F32)


BOXES, SCORES = corners(80), different(80)
case("NonMaxSuppression", boxes=BOXES, scores=SCORES, max_output_size=int_(10))
case("NonMaxSuppression", boxes=BOXES, scores=SCORES, max_output_size=np.array(7, I32))
for limit, iou in itertools.product((0, 5, 100), (0.0, 0.3, 1.0)):
    options = {"max_output_size": int_(limit), "iou_threshold": const(iou)}
    case("NonMaxSuppressionV2", boxes=BOXES, scores=SCORES, **options)
    for threshold in (-1.0, 0.4, 2.0):
        options["score_threshold"] = const(threshold)
        case("NonMaxSuppressionV3", boxes=BOXES, scores=SCORES, **options)
        for pad in (False, True):
            case(
                "NonMaxSuppressionV4",
                boxes=BOXES,
                scores=SCORES,
                pad_to_max_output_size=pad,
                **options,
            )
            for sigma in (0.0, 0.5):
                case(
                    "NonMaxSuppressionV5",
                    boxes=BOXES,
                    scores=SCORES,
                    soft_nms_sigma=const(sigma),
                    pad_to_max_output_size=pad,
                    **options,
                )
for classes, q, pad, clip in itertools.product((1, 4), (1, 4), (False, True), (False, True)):
    if q > classes:
        continue
    for per_class, total, threshold in ((3, 7, 0.1), (20, 50, 0.6), (60, 200, -1.0)):
        case(
            "CombinedNonMaxSuppression",
            boxes=corners(BATCH, 60, q) * 1.2,
            scores=different(BATCH, 60, classes),
            max_output_size_per_class=int_(per_class),
            max_total_size=int_(total),
            iou_threshold=const(0.4),
            score_threshold=const(threshold),
            pad_per_class=pad,
            clip_boxes=clip,
            batch=True,
        )
