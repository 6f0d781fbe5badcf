#include "qconvert/base/result_cache.h"

#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

std::string KeyOfParts(const std::string& a, const std::string& b) {
  CacheKey key;
  key.Add(a);
  key.Add(b);
  return key.HexDigest();
}

class ResultCacheTest : public testing::Test {
 protected:
  ResultCacheTest() { cache_.Open(); }

  TempDir folder_;
  ResultCache cache_{folder_ / "a" / "b"};
  const std::string key_ = KeyOfParts("model", "plan");
  const std::filesystem::path file_ = folder_ / "a" / "b" / (key_ + ".txt");
};

TEST_F(ResultCacheTest, WhatWasWrittenIsReadByTheNextRun) {
  EXPECT_EQ(cache_.Read("layer", key_), std::nullopt);
  cache_.Write("layer", key_, "1 2\n3\n");
  ResultCache next(folder_ / "a" / "b");
  next.Open();
  EXPECT_EQ(next.Read("layer", key_), "1 2\n3\n");
  EXPECT_EQ(next.Read("layer", KeyOfParts("model", "another plan")), std::nullopt);
  EXPECT_EQ(next.Read("block", key_), std::nullopt) << "another kind";
  cache_.Write("layer", key_, "");
  EXPECT_EQ(next.Read("layer", key_), "");
}

TEST_F(ResultCacheTest, PartsOfAKeyCountWithTheirLengths) {
  EXPECT_EQ(KeyOfParts("ab", "c"), KeyOfParts("ab", "c"));
  EXPECT_NE(KeyOfParts("ab", "c"), KeyOfParts("a", "bc"));
  EXPECT_NE(KeyOfParts("ab", "c"), KeyOfParts("ab", ""));
}

TEST_F(ResultCacheTest, WhatIsDamagedOrForeignIsNothingAndMadeAnew) {
  cache_.Write("layer", key_, "1 2 3\n");
  const std::string sound = ReadFile(file_);
  std::string flipped = sound;
  flipped[flipped.size() - 2] = '4';
  const std::string other = KeyOfParts("x", "y");
  cache_.Write("layer", other, "5\n");
  const std::string renamed = ReadFile(folder_ / "a" / "b" / (other + ".txt"));
  for (const std::string& bytes :
       {std::string(), sound.substr(0, sound.size() - 1), sound + "4", flipped, renamed,
        std::string("1 2 3\n"), std::string("\n"), std::string("qconvert result 1")}) {
    folder_.Write("a/b/" + key_ + ".txt", bytes);
    EXPECT_EQ(cache_.Read("layer", key_), std::nullopt) << bytes;
    cache_.Write("layer", key_, "1 2 3\n");
    EXPECT_EQ(cache_.Read("layer", key_), "1 2 3\n");
  }
  std::filesystem::remove(file_);
  std::filesystem::create_directory(file_);
  EXPECT_EQ(cache_.Read("layer", key_), std::nullopt) << "a folder";
  cache_.Write("layer", key_, "1 2 3\n");  // told, and not the end of the run
  EXPECT_TRUE(std::filesystem::is_directory(file_));
}

TEST_F(ResultCacheTest, AFolderThatCannotBeOneIsRefused) {
  folder_.Write("file", "x");
  for (const char* path : {"file", "file/in"})
    EXPECT_THROW(ResultCache(folder_ / path).Open(), Error) << path;
}

}  // namespace
}  // namespace qconvert
