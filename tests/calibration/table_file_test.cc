#include "qconvert/calibration/table_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "qconvert/base/error.h"
#include "support/observe.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

std::vector<float> Values(uint32_t seed, float spread) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> values(5000);
  for (float& v : values) v = normal(random);
  return values;
}

StoredTable Example() {
  StoredTable stored{"m", "d", {}, {{"a", 12}, {"caf\xc3\xa9", 1}}, {}};
  stored.table.values["a"] = Observe(Values(1, 0.1F));
  stored.table.values["\xff\x01 \"name\""] = Observe(Values(2, 1e20F));
  stored.table.values["empty"] = Observe({0, 0});
  stored.table.values["inf"] = Observe({1e-42F, INFINITY, -1});
  stored.table.samples = 7;
  stored.table.batch_size = 4;
  stored.table.batches["a"]["maxmin"] = {{-1, 0.1F}, {-2, 1e-42F}};
  stored.table.infinite["inf"] = {3, "s\xe9.npy"};
  return stored;
}

TEST(TableFileTest, ReadsBackTheSameBits) {
  const StoredTable stored = Example();
  const std::string text = FormatTable(stored);
  const StoredTable read = ParseTable(text, "t.json");
  EXPECT_EQ(read.table, stored.table);
  EXPECT_EQ(read.sizes, stored.sizes);
  EXPECT_EQ(read.table.samples, 7U);
  EXPECT_EQ(read.model_sha256, "m");
  EXPECT_EQ(FormatTable(read), text);
}

TEST(TableFileTest, ShardsMergeToTheTableOfAll) {
  std::vector<float> all;
  std::vector<StoredTable> shards;
  std::vector<std::string> places;
  for (uint32_t i = 0; i < 5; ++i) {
    const std::vector<float> part = Values(i, std::exp2(static_cast<float>(i) * 3 - 5));
    all.insert(all.end(), part.begin(), part.end());
    shards.push_back({"m", "d", {4 - i, 5}, {}, {}});
    shards.back().table.values["x"] = Observe(part);
    shards.back().table.samples = 1;
    places.push_back("s" + std::to_string(i));
  }
  StoredTable whole{"m", "d", {}, {}, {}};
  whole.table.values["x"] = Observe(all);
  whole.table.samples = 5;
  EXPECT_EQ(FormatTable(MergeTables(shards, places)), FormatTable(whole));
}

TEST(TableFileTest, KnowsWhoMadeIt) {
  StoredTable stored = Example();
  stored.tool = "qconvert 9";
  stored.engine = "onnxruntime 9";
  const std::string text = FormatTable(stored);
  EXPECT_EQ(ParseTable(text, "t.json").engine, "onnxruntime 9");
  EXPECT_EQ(FormatTable(ParseTable(text, "t.json")), text);
  std::string old = FormatTable(Example());
  old.erase(old.find("\"tool\""), old.find("\"model_sha256\"") - old.find("\"tool\""));
  EXPECT_EQ(ParseTable(old, "t.json").engine, "");
}

TEST(TableFileTest, NumbersBeyondReasonAreRefused) {
  const std::string text = FormatTable(Example());
  const auto with = [&](const std::string& line, const std::string& other) {
    std::string changed = text;
    const size_t at = changed.find(line);
    EXPECT_NE(at, std::string::npos) << line;
    return changed.replace(at, line.size(), other);
  };
  for (const char* number : {"1000001", "9223372036854775807", "18446744073709551615", "-1", "1e30",
                             "99999999999999999999999"}) {
    for (const char* key : {"shards", "samples", "batch_size", "shard"}) {
      if (key == std::string("samples") || key == std::string("batch_size")) {
        if (number == std::string("1000001")) continue;  // a fair number of these
      }
      const std::string line = std::string("\"") + key + "\": ";
      const size_t value = text.find(line) + line.size();
      const std::string old = line + text.substr(value, text.find(',', value) - value);
      try {
        ParseTable(with(old, line + number), "t.json");
        ADD_FAILURE() << key << " " << number;
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ExitCode::kData) << e.what();
        EXPECT_THAT(e.what(), HasSubstr(key));
      }
    }
  }
}

std::string MergeError(const std::function<void(std::vector<StoredTable>&)>& change) {
  std::vector<StoredTable> shards = {{"m", "d", {0, 2}, {}, {}}, {"m", "d", {1, 2}, {}, {}}};
  change(shards);
  std::vector<std::string> places;
  for (size_t i = 0; i < shards.size(); ++i) places.push_back("s" + std::to_string(i));
  try {
    MergeTables(shards, places);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kData);
    return e.what();
  }
  return "";
}

TEST(TableFileTest, OnlyTheShardsOfOneWholeMerge) {
  using Shards = std::vector<StoredTable>;
  EXPECT_EQ(MergeError([](Shards&) {}), "");
  EXPECT_EQ(MergeError([](Shards& s) { s[1].model_sha256 = "n"; }),
            "s1: is of another model than s0");
  EXPECT_EQ(MergeError([](Shards& s) { s[0].engine = "e 1", s[1].engine = "e 2"; }),
            "s1: was made with e 2, s0 with e 1");
  EXPECT_EQ(MergeError([](Shards& s) { s[1].data_sha256 = "e"; }), "s1: is of other data than s0");
  EXPECT_EQ(MergeError([](Shards& s) { s[1].table.batch_size = 2; }),
            "s1: has other ranges of batches than s0");
  EXPECT_EQ(MergeError([](Shards& s) { s[0].table.batches["x"]["maxmin"] = {}; }),
            "s1: has other ranges of batches than s0");
  EXPECT_EQ(MergeError([](Shards& s) { s[1].table.samples = 2; }),
            "s0: is one of 2 shards, shard 0 has another number of samples than its part");
  EXPECT_EQ(MergeError([](Shards& s) { s[1].shard.index = 0; }), "s1: is shard 0, and so is s0");
  EXPECT_EQ(MergeError([](Shards& s) { s[1].shard.count = 3; }),
            "s1: is one of 3 shards, s0 is one of 2");
  EXPECT_EQ(MergeError([](Shards& s) { s.pop_back(); }),
            "s0: is one of 2 shards, shard 1 is missing");
}

TEST(TableFileTest, DamageIsNamed) {
  const std::string good = FormatTable(Example());
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "t.json: is no calibration table of qconvert"},
      {"{}", "is no calibration table"},
      {good.substr(0, good.size() / 2), "is no calibration table"},
      {replaced("\"version\": 1", "\"version\": 2"), "is of another version, expected version 1"},
      {replaced("\"samples\": 7", "\"samples\": -7"), "has no usable samples"},
      {replaced("\"samples\": 7", "\"samples\": 1e999"), "is no calibration table"},
      {replaced("\"shards\": 1", "\"shards\": 0"), "has no usable shards"},
      {replaced("\"shard\": 0", "\"shard\": 4"), "has a shard beyond"},
      {replaced("\"a\": 12", "\"a\": -1"), "has no usable size for \"a\""},
      {replaced("\"count\":5000", "\"count\":5001"), "value \"a\" has bins that do not add up"},
      {replaced("\"count\":5000", "\"count\":\"x\""), "value \"a\" has no usable count"},
      {replaced("\"exponent\":", "\"exponent\":900,\"e\":"), "has no usable exponent"},
      {replaced("\"bins\":[", "\"bins\":[4096,1,"), "do not add up"},
      {replaced("\"bins\":[", "\"bins\":[1,"), "has no usable bins"},
      {replaced("\"bins\":[", "\"bins\":[-1,1,"), "has no usable bins"},
      {replaced("\"bins\":", "\"bin\":"), "has no histogram"},
      {replaced("\"max\":", "\"max\":-1e9,\"m\":"), "has a min above its max"},
      {replaced("\"batch_size\": 4", "\"batch_size\": 0"), "has no usable batch_size"},
      {replaced("\"batch_size\": 4", "\"batch_size\": 2"),
       "value \"a\" has not 4 ranges of batches by \"maxmin\""},
      {replaced("\"maxmin\":[", "\"maxmin\":[1,"), "has not 2 ranges"},
      {replaced("\"maxmin\":[-1.0,", "\"maxmin\":[1,"), "has a range of a batch without 0"},
      {replaced("\"maxmin\":[-1.0,", "\"maxmin\":[null,"), "that is not finite"},
      {replaced("\"inf_first\":[3", "\"inf_first\":[-3"), "has no usable inf_first"},
      {replaced("\"max\":", "\"max\":1e300,\"m\":"), "has a max that is not finite"},
  };
  for (const auto& [text, message] : cases) {
    try {
      ParseTable(text, "t.json");
      ADD_FAILURE() << message;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kData);
      EXPECT_THAT(e.what(), HasSubstr(message));
    }
  }
}

}  // namespace
}  // namespace qconvert
