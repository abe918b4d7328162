#include "exit_code.h"

#include <gtest/gtest.h>

namespace hone::tools {
namespace {

TEST(ExitCode, EveryErrorHasTheDocumentedCode) {
  EXPECT_EQ(exit_code(Code::kOk), 0);
  EXPECT_EQ(exit_code(Code::kShape), 1);
  EXPECT_EQ(exit_code(Code::kInternal), 1);
  EXPECT_EQ(exit_code(Code::kInvalidArgument), 2);
  EXPECT_EQ(exit_code(Code::kModel), 3);
  EXPECT_EQ(exit_code(Code::kPlan), 3);
  EXPECT_EQ(exit_code(Code::kIo), 3);
  EXPECT_EQ(exit_code(Code::kUnsupported), 4);
  EXPECT_EQ(exit_code(Code::kDevice), 4);
  EXPECT_EQ(exit_code(Code::kOutOfResources), 5);
  EXPECT_EQ(exit_code(Code::kCancelled), 130);
}

}  // namespace
}  // namespace hone::tools
