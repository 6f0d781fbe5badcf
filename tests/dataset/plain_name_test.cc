#include "qconvert/dataset/plain_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace qconvert {
namespace {

using testing::ElementsAre;

TEST(PlainNameTest, IsOneComponentThatStaysBelowItsFolder) {
  const std::string null_inside("a\0b", 3);
  for (const std::string& name :
       {std::string(".."), std::string("."), std::string(), std::string("/"), std::string("/etc"),
        std::string("../../x"), std::string("a/../.."), std::string("c:\\x"), null_inside,
        std::string("a\nb")}) {
    const std::filesystem::path inside = std::filesystem::path("folder") / PlainName(name);
    EXPECT_EQ(inside.lexically_normal(), inside) << name;
    EXPECT_EQ(inside.parent_path(), "folder") << name;
    EXPECT_EQ(inside.native().find('\0'), std::string::npos);
  }
}

TEST(PlainNameTest, LeavesOrdinaryNamesAlone) {
  EXPECT_EQ(PlainName("image"), "image");
  EXPECT_EQ(PlainName("serving default.x"), "serving default.x");
  EXPECT_EQ(PlainName("/head/Conv:0"), "_head_Conv_0");
  EXPECT_EQ(PlainName("名"), "名");
}

TEST(PlainNamesTest, StayApart) {
  EXPECT_THAT(PlainNames({"a/b", "a_b", "A_B", "a_b_2", ".."}),
              ElementsAre("a_b", "a_b_2", "A_B_3", "a_b_2_2", "_."));
  EXPECT_THAT(PlainNames({}), ElementsAre());
}

}  // namespace
}  // namespace qconvert
