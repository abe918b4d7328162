// Operators that choose elements, against results found by hand.
#include "ops/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ops/ops.h"

namespace hone {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

template <class T>
Tensor row(const std::vector<T>& values) {
  return Tensor::from<T>({static_cast<int64_t>(values.size())}, values);
}

std::vector<Tensor> run(const char* name, const Attributes& attributes,
                        const std::vector<Tensor>& inputs) {
  auto result = evaluate_reference(op(name), attributes, {}, inputs);
  EXPECT_TRUE(result.ok()) << name << ": " << result.status().message();
  return result.ok() ? *result : std::vector<Tensor>(4);
}

std::string error(const char* name, const Attributes& attributes,
                  const std::vector<Tensor>& inputs) {
  const auto result = evaluate_reference(op(name), attributes, {}, inputs);
  EXPECT_FALSE(result.ok());
  return result.status().message();
}

TEST(TopK, TiesAndNaN) {
  const Tensor x = row<float>({1, 3, kNaN, 3, -1}), k = Tensor::scalar<int64_t>(4);
  const auto best = run("TopK", TopKAttributes{}, {x, k});
  EXPECT_EQ(best[1], row<int64_t>({2, 1, 3, 0}));
  EXPECT_EQ(best[0].data<float>()[1], 3);
  const auto worst = run("TopK", TopKAttributes{-1, false}, {x, k});
  EXPECT_EQ(worst[1], row<int64_t>({4, 0, 1, 3}));
  EXPECT_THAT(error("TopK", TopKAttributes{}, {x, Tensor::scalar<int64_t>(6)}),
              testing::HasSubstr("k is 6"));
  EXPECT_THAT(error("TopK", TopKAttributes{}, {x, Tensor::scalar<int64_t>(-1)}),
              testing::HasSubstr("k is -1"));
}

TEST(GatherNd, SlicesAndRange) {
  const Tensor x = Tensor::from<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto gather = [&](std::vector<int64_t> shape, const std::vector<int64_t>& indices) {
    return run("GatherND", GatherNdAttributes{}, {x, Tensor::from(std::move(shape), indices)})[0];
  };
  EXPECT_EQ(gather({2, 1}, {1, 0}), Tensor::from<int32_t>({2, 3}, {4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(gather({2, 2}, {1, -1, 0, 1}), row<int32_t>({6, 2}));
  EXPECT_EQ(gather({1, 0}, {}), Tensor::from<int32_t>({1, 2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_THAT(error("GatherND", GatherNdAttributes{}, {x, Tensor::from<int64_t>({1, 2}, {0, 3})}),
              testing::HasSubstr("index 3 is out of range for a dimension of 3"));
  EXPECT_THAT(error("GatherND", GatherNdAttributes{}, {x, row<int64_t>({0, 0, 0})}),
              testing::HasSubstr("tuples of 3 indices"));
}

TEST(ScatterNd, OrderAndReductions) {
  const Tensor x = row<int32_t>({1, 2, 3, 4}), at = Tensor::from<int64_t>({3, 1}, {1, 1, -1}),
               updates = row<int32_t>({5, 7, 9});
  const auto scatter = [&](const char* reduction) {
    return run("ScatterND", ScatterNdAttributes{reduction}, {x, at, updates})[0];
  };
  EXPECT_EQ(scatter("none"), row<int32_t>({1, 7, 3, 9}));
  EXPECT_EQ(scatter("add"), row<int32_t>({1, 14, 3, 13}));
  EXPECT_EQ(scatter("sub"), row<int32_t>({1, -10, 3, -5}));
  EXPECT_EQ(scatter("mul"), row<int32_t>({1, 70, 3, 36}));
  EXPECT_EQ(scatter("max"), row<int32_t>({1, 7, 3, 9}));
  EXPECT_EQ(scatter("min"), row<int32_t>({1, 2, 3, 4}));
  EXPECT_THAT(error("ScatterND", ScatterNdAttributes{"mean"}, {x, at, updates}),
              testing::HasSubstr("no reduction 'mean'"));
}

TEST(Elements, GatherAndScatter) {
  const Tensor x = Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor at = Tensor::from<int64_t>({2, 2}, {2, 0, -1, 1});
  EXPECT_EQ(run("GatherElements", GatherElementsAttributes{1}, {x, at})[0],
            Tensor::from<float>({2, 2}, {3, 1, 6, 5}));
  EXPECT_EQ(run("ScatterElements", ScatterElementsAttributes{1, "add"},
                {x, at, Tensor::from<float>({2, 2}, {10, 20, 30, 40})})[0],
            Tensor::from<float>({2, 3}, {21, 2, 13, 4, 45, 36}));
  EXPECT_THAT(error("GatherElements", GatherElementsAttributes{0}, {x, at}),
              testing::HasSubstr("index 2 is out of range for a dimension of 2"));
}

TEST(Cumulative, Directions) {
  const Tensor x = row<int32_t>({1, 2, 3, 4});
  EXPECT_EQ(run("CumSum", CumulativeAttributes{}, {x})[0], row<int32_t>({1, 3, 6, 10}));
  EXPECT_EQ(run("CumSum", CumulativeAttributes{0, true, false}, {x})[0],
            row<int32_t>({0, 1, 3, 6}));
  EXPECT_EQ(run("CumProd", CumulativeAttributes{0, false, true}, {x})[0],
            row<int32_t>({24, 24, 12, 4}));
  EXPECT_EQ(run("CumProd", CumulativeAttributes{0, true, true}, {x})[0],
            row<int32_t>({24, 12, 4, 1}));
}

TEST(FoundSizes, Results) {
  EXPECT_EQ(run("NonZero", {}, {Tensor::from<int32_t>({2, 2}, {0, 3, 4, 0})})[0],
            Tensor::from<int64_t>({2, 2}, {0, 1, 1, 0}));
  EXPECT_EQ(run("NonZero", {}, {Tensor::scalar(2.0f)})[0], Tensor::from<int64_t>({0, 1}, {}));
  EXPECT_EQ(
      run("Compress", CompressAttributes{0}, {row<float>({1, 2, 3}), row<bool>({false, true})})[0],
      row<float>({2}));
  const auto sorted = run("Unique", UniqueAttributes{}, {row<int32_t>({5, 2, 5, 1, 2})});
  EXPECT_EQ(sorted[0], row<int32_t>({1, 2, 5}));
  EXPECT_EQ(sorted[1], row<int64_t>({3, 1, 0}));
  EXPECT_EQ(sorted[2], row<int64_t>({2, 1, 2, 0, 1}));
  EXPECT_EQ(sorted[3], row<int64_t>({1, 2, 2}));
  EXPECT_EQ(run("Unique", UniqueAttributes{false}, {row<int32_t>({5, 2, 5, 1, 2})})[0],
            row<int32_t>({5, 2, 1}));
}

// Three boxes: the second overlaps the first by 0.5, the third is elsewhere.
const Tensor kBoxes = Tensor::from<float>({1, 3, 4}, {0, 0, 1, 1, 0.5f, 1, 0, 0, 2, 2, 3, 3});

TEST(Nms, ThresholdsAndOrder) {
  const Tensor scores = Tensor::from<float>({1, 2, 3}, {0.5f, 0.9f, 0.7f, 0.9f, 0.9f, 0.1f});
  const auto nms = [&](int64_t limit, float iou) {
    return run("NonMaxSuppression", NmsAttributes{},
               {kBoxes, scores, Tensor::scalar(limit), Tensor::scalar(iou)})[0];
  };
  EXPECT_EQ(nms(3, 0.4f), Tensor::from<int64_t>({4, 3}, {0, 0, 1, 0, 0, 2, 0, 1, 0, 0, 1, 2}));
  // An overlap equal to the threshold is allowed.
  EXPECT_EQ(nms(3, 0.5f).dim(0), 6);
  EXPECT_EQ(nms(1, 0.5f), Tensor::from<int64_t>({2, 3}, {0, 0, 1, 0, 1, 0}));
  EXPECT_EQ(nms(0, 0.5f).dim(0), 0);
}

TEST(Nms, Combined) {
  CombinedNmsAttributes attributes;
  attributes.max_per_class = 2;
  attributes.max_total = 4;
  attributes.iou_threshold = 0.4;
  attributes.score_threshold = 0.2;
  const auto found = run("CombinedNonMaxSuppression", attributes,
                         {kBoxes.reshaped({1, 3, 1, 4}),
                          Tensor::from<float>({1, 3, 2}, {0.5f, 0.9f, 0.8f, 0.3f, 0.7f, 0.1f})});
  EXPECT_EQ(found[1], Tensor::from<float>({1, 4}, {0.9f, 0.8f, 0.7f, 0}));
  EXPECT_EQ(found[2], Tensor::from<float>({1, 4}, {1, 0, 0, 0}));
  EXPECT_EQ(found[3], row<int32_t>({3}));
  EXPECT_EQ(found[0],
            Tensor::from<float>({1, 4, 4}, {0, 0, 1, 1, 0.5f, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0}));
}

TEST(Nms, PaddedAndSoft) {
  const Tensor boxes = kBoxes.reshaped({3, 4}), scores = row<float>({0.5f, 0.9f, 0.7f});
  const auto hard =
      run("NonMaxSuppressionPadded", PaddedNmsAttributes{3, 0.4, 0, 0}, {boxes, scores});
  EXPECT_EQ(hard[0], row<int32_t>({1, 2, 0}));
  EXPECT_EQ(hard[1], row<float>({0.9f, 0.7f, 0}));
  EXPECT_EQ(hard[2], Tensor::scalar<int32_t>(2));
  // exp(-0.5 / 0.5 * 0.5^2) = 0.7788 of the score is left.
  const auto soft =
      run("NonMaxSuppressionPadded", PaddedNmsAttributes{3, 1, 0, 0.5}, {boxes, scores});
  EXPECT_EQ(soft[0], row<int32_t>({1, 2, 0}));
  EXPECT_NEAR(soft[1].data<float>()[2], 0.5f * 0.7788f, 1e-4);
  EXPECT_EQ(soft[2], Tensor::scalar<int32_t>(3));
}

// Exact runs: scores that are equal in f32 differ in f64, and the second box is the better one.
TEST(Nms, InDoubles) {
  const Tensor boxes = Tensor::from<double>({1, 2, 4}, {0, 0, 1, 1, 0, 0.25, 1, 1});
  const std::vector<double> scores = {0.5, 0.5 + 1e-12};
  EXPECT_EQ(run("NonMaxSuppression", NmsAttributes{},
                {boxes, Tensor::from<double>({1, 1, 2}, scores), Tensor::scalar<int64_t>(2),
                 Tensor::scalar(0.5)})[0],
            Tensor::from<int64_t>({1, 3}, {0, 0, 1}));
  const auto padded = run("NonMaxSuppressionPadded", PaddedNmsAttributes{2, 0.5, 0, 0},
                          {boxes.reshaped({2, 4}), Tensor::from<double>({2}, scores)});
  EXPECT_EQ(padded[0], row<int32_t>({1, 0}));
  EXPECT_EQ(padded[1], row<double>({0.5 + 1e-12, 0}));
  CombinedNmsAttributes attributes;
  attributes.max_per_class = attributes.max_total = 2;
  attributes.iou_threshold = 0.8;
  const auto combined =
      run("CombinedNonMaxSuppression", attributes,
          {boxes.reshaped({1, 2, 1, 4}), Tensor::from<double>({1, 2, 1}, scores)});
  EXPECT_EQ(combined[1], Tensor::from<double>({1, 2}, {0.5 + 1e-12, 0.5}));
}

}  // namespace
}  // namespace hone
