#include "qconvert/dataset/plain_name.h"

#include "qconvert/base/utf8.h"

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

// 255 bytes are what file systems take; no character is cut in two.
TEST(PlainNameTest, LeavesRoomForNumbersAndExtensions) {
  for (const std::string letter : {"a", "\u00e9", "\u5c42"}) {
    for (size_t more = 0; more < 4; ++more) {
      std::string name(more, 'x');
      for (int k = 0; k < 300; ++k) name += letter;
      const std::string plain = PlainName(name);
      EXPECT_LE(plain.size(), 230U);
      EXPECT_GT(plain.size(), 226U);
      EXPECT_EQ(FindInvalidUtf8(plain), std::string::npos) << letter;
      EXPECT_EQ(PlainNames({name, name + "y"})[1], plain + "_2");
    }
  }
  EXPECT_EQ(PlainName(std::string(230, 'a')), std::string(230, 'a'));
}

TEST(PlainNamesTest, StayApart) {
  EXPECT_THAT(PlainNames({"a/b", "a_b", "A_B", "a_b_2", ".."}),
              ElementsAre("a_b", "a_b_2", "A_B_3", "a_b_2_2", "_."));
  EXPECT_THAT(PlainNames({}), ElementsAre());
}

}  // namespace
}  // namespace qconvert
