#include "trtexec.h"

#include <gmock/gmock.h>

namespace hone::tools {
namespace {

using ::testing::ElementsAre;

TEST(Trtexec, BuildCommandIsRewritten) {
  EXPECT_THAT(rewrite_trtexec({"build", "--onnx=a.onnx", "--saveEngine=a.plan", "--minShapes=x:1x3",
                               "--optShapes=x:8x3", "--maxShapes=x:32x3",
                               "--timingCacheFile=t.timing", "--noTF32", "--workspace=512"}),
              ElementsAre("build", "a.onnx", "-o", "a.plan", "--min-shapes", "x:1x3",
                          "--opt-shapes", "x:8x3", "--max-shapes", "x:32x3", "--timing-cache",
                          "t.timing", "--strict-fp32", "--memory", "512MiB"));
}

TEST(Trtexec, CommandIsFoundFromTheOptions) {
  EXPECT_THAT(rewrite_trtexec({"--onnx=a.onnx", "--saveEngine=a.plan", "--fp16"}),
              ElementsAre("build", "a.onnx", "-o", "a.plan", "--precision", "fp16"));
  EXPECT_THAT(rewrite_trtexec({"--loadEngine=a.plan", "--warmUp=100", "--dumpProfile"}),
              ElementsAre("bench", "a.plan", "--warm-up", "100ms", "--profile"));
}

TEST(Trtexec, PoolsAndInputs) {
  EXPECT_THAT(rewrite_trtexec({"build", "--memPoolSize=workspace:64,dlaSRAM:1"}),
              ElementsAre("build", "--memory", "64MiB"));
  EXPECT_THAT(rewrite_trtexec({"build", "--memPoolSize=workspace:1GiB"}),
              ElementsAre("build", "--memory", "1GiB"));
  EXPECT_THAT(rewrite_trtexec({"run", "--loadInputs='a':a.npy,b:0:b.npy"}),
              ElementsAre("run", "--input", "a=a.npy", "--input", "b:0=b.npy"));
}

TEST(Trtexec, OtherWordsStay) {
  const Words words = {"build",  "a.onnx",     "-o", "a=b.plan", "--min-shapes=x:1",
                       "--onnx", "--unknown=1"};
  EXPECT_EQ(rewrite_trtexec(words), words);
  EXPECT_THAT(rewrite_trtexec({}), ElementsAre());
  EXPECT_THAT(rewrite_trtexec({""}), ElementsAre(""));
}

}  // namespace
}  // namespace hone::tools
