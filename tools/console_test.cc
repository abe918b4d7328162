#include "console.h"

#include <gtest/gtest.h>

namespace hone::tools {
namespace {

TEST(Table, ColumnsAreAlignedAndLinesHaveNoBlanksAtTheEnd) {
  Table table({"name", ">ms", "note"});
  table.add_row({"conv", "1.5", ""});
  table.add_row({"a", "12.25", "in place"});
  EXPECT_EQ(table.text(),
            "name     ms  note\n"
            "conv    1.5\n"
            "a     12.25  in place\n");
}

TEST(Shortened, KeepsTheBeginning) {
  EXPECT_EQ(shortened("conv1", 5), "conv1");
  EXPECT_EQ(shortened("conv1 + relu", 8), "conv1...");
}

}  // namespace
}  // namespace hone::tools
