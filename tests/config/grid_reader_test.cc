// Numbers of a plan file: what a grid may be, and where what is wrong is told.
#include "plan_file/grid_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "text/parse_config.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Read {
  FileGrid grid;
  std::vector<std::string> problems;
};

Read Grid(const std::string& entry) {
  ConfigProblems problems("p.json");
  const ConfigNode root = ParseConfig("{" + entry + "}", "p.json");
  Read out{ReadGrid(root, problems), {}};
  out.problems = problems.Texts();
  return out;
}

TEST(ReadGridTest, OneScaleForAll) {
  const Read read = Grid(R"("type": "uint8", "scale": 0.5, "zero_point": 128)");
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_EQ(read.grid.params, (QuantParams{DataType::kUint8, -1, {0.5F}, {128}}));
  EXPECT_EQ(read.grid.format, FullFormat(DataType::kUint8));
  EXPECT_EQ(read.grid.place.Text(), "p.json:1:1");
  EXPECT_EQ(read.grid.scale_place.Text(), "p.json:1:28");
}

TEST(ReadGridTest, AListOfScalesAlongAnAxis) {
  const Read shared =
      Grid(R"("type": "int8", "codes": [-127, 127], "scale": [1, 0.25, 3e-5], "axis": 0)");
  EXPECT_THAT(shared.problems, IsEmpty());
  EXPECT_EQ(shared.grid.params, (QuantParams{DataType::kInt8, 0, {1, 0.25F, 3e-5F}, {0, 0, 0}}));
  EXPECT_EQ(shared.grid.format.qmin, -127);
  EXPECT_EQ(shared.grid.format.qmax, 127);
  const Read own = Grid(
      R"("type": "int16", "scale": [1, 2], "axis": 1, "zero_point": [-32768, 32767], "round": "half_up")");
  EXPECT_THAT(own.problems, IsEmpty());
  EXPECT_THAT(own.grid.params.zero_points, ElementsAre(-32768, 32767));
  EXPECT_EQ(own.grid.format.round.mode(), RoundMode::kHalfUp);
}

TEST(ReadGridTest, OneZeroPointStandsForAllScales) {
  const Read read = Grid(R"("type": "uint8", "scale": [1, 2, 3], "axis": 0, "zero_point": 7)");
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_THAT(read.grid.params.zero_points, ElementsAre(7, 7, 7));
}

TEST(ReadGridTest, FloatingTypesHaveNeitherScalesNorCodes) {
  const Read read = Grid(R"("type": "bfloat16")");
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_EQ(read.grid.params.type, DataType::kBfloat16);
  EXPECT_THAT(read.grid.params.scales, IsEmpty());
  EXPECT_THAT(Grid(R"("type": "float16", "scale": 1, "zero_point": 0, "axis": 0, "codes": [0, 1])")
                  .problems,
              ElementsAre(HasSubstr("scale has no use with float16"),
                          HasSubstr("zero_point has no use with float16"),
                          HasSubstr("axis has no use with float16"),
                          HasSubstr("codes has no use with float16")))
      << "in the order of the file";
}

TEST(ReadGridTest, ScalesAreNormalPositiveFloats) {
  const float least = std::numeric_limits<float>::min();
  EXPECT_EQ(Grid(R"("type": "int8", "scale": 1.1754944e-38)").grid.params.scales[0], least);
  EXPECT_THAT(Grid(R"("type": "int8", "scale": 3.4028234e38)").problems, IsEmpty());
  for (const char* scale :
       {"0", "-1", "1e-38", "1e39", "\"1\"", "true", "{\"a\": 1}", "[0]", "[[1]]"}) {
    const Read read = Grid(std::string(R"("type": "int8", "scale": )") + scale);
    ASSERT_EQ(read.problems.size(), 1U) << scale;
    EXPECT_THAT(read.problems[0], HasSubstr("expected a number from 1.1754")) << scale;
    EXPECT_THAT(read.grid.params.scales, ElementsAre(1)) << "later checks divide by it";
  }
  EXPECT_THAT(Grid(R"("type": "int8")").problems, ElementsAre("p.json:1:1: scale is missing"));
  EXPECT_THAT(Grid(R"("type": "int8", "scale": [])").problems,
              ElementsAre(HasSubstr("scale is an empty list")));
  EXPECT_THAT(Grid(R"("type": "int8", "scale": 1, "axis": 0)").problems,
              ElementsAre(HasSubstr("axis has no use with one scale")));
}

TEST(ReadGridTest, ZeroPointsAreCodes) {
  const Read narrow = Grid(R"("type": "int8", "codes": [-8, 7], "scale": 1, "zero_point": 8)");
  EXPECT_THAT(narrow.problems,
              ElementsAre(HasSubstr("zero_point is '8', expected a whole number from -8 to 7")));
  EXPECT_THAT(Grid(R"("type": "uint8", "scale": 1, "zero_point": -1)").problems,
              ElementsAre(HasSubstr("from 0 to 255")));
  EXPECT_THAT(Grid(R"("type": "uint8", "scale": 1, "zero_point": 0.5)").problems,
              ElementsAre(HasSubstr("zero_point is '0.5'")));
  const Read few = Grid(R"("type": "uint8", "scale": [1, 2, 3], "zero_point": [4, 5])");
  EXPECT_THAT(few.problems, ElementsAre(HasSubstr("has 2 numbers, expected 3, one per scale")));
  EXPECT_THAT(few.grid.params.zero_points, ElementsAre(4, 5, 0));
  const Read many = Grid(R"("type": "uint8", "scale": [1], "zero_point": [4, 300])");
  EXPECT_EQ(many.problems.size(), 2U) << "the wrong one and their number";
  EXPECT_THAT(many.grid.params.zero_points, ElementsAre(4));
}

TEST(ReadCodesTest, TwoWholeNumbersInOrderWithinTheirType) {
  const auto read = [](const std::string& codes) {
    ConfigProblems problems("p.json");
    const ConfigNode root = ParseConfig("{\"codes\": " + codes + "}", "p.json");
    const auto found = ReadCodes(root, {-128, 127}, problems);
    EXPECT_EQ(found.has_value(), problems.empty()) << codes;
    return found;
  };
  EXPECT_EQ(read("[-128, 127]")->min, -128);
  EXPECT_EQ(read("[-128, 127]")->max, 127);
  EXPECT_EQ(read("[0, 1]")->max, 1);
  for (const char* codes :
       {"[1, 1]", "[1, 0]", "[-129, 0]", "[0, 128]", "[0]", "[0, 1, 2]", "[]", "3", "[0.5, 1]",
        "[\"0\", 1]", "[0, 1e2]", "{\"a\": 1}", "[-9223372036854775809, 0]"})
    EXPECT_FALSE(read(codes)) << codes;
  ConfigProblems problems("p.json");
  EXPECT_FALSE(ReadCodes(ParseConfig("{\"a\": 1}", "p.json"), {0, 1}, problems));
  EXPECT_FALSE(ReadCodes(ParseConfig("{\"codes\": null}", "p.json"), {0, 1}, problems));
  EXPECT_TRUE(problems.empty()) << "what is not given is no problem";
}

TEST(ReadNumbersTest, AListOfFiniteNumbersOfItsLength) {
  const auto read = [](const std::string& list, size_t count, bool is_good) {
    ConfigProblems problems("p.json");
    const ConfigNode root = ParseConfig("{\"k\": " + list + "}", "p.json");
    const std::vector<double> numbers = ReadNumbers(root, "k", count, problems);
    EXPECT_EQ(problems.empty(), is_good) << list;
    if (!is_good) {
      EXPECT_THAT(problems.Texts(), ElementsAre(HasSubstr("expected a list of ")));
    }
    return numbers;
  };
  EXPECT_THAT(read("[1, -2.5, 1e300]", 0, true), ElementsAre(1, -2.5, 1e300));
  EXPECT_THAT(read("[1, 2]", 2, true), ElementsAre(1, 2));
  EXPECT_THAT(read("null", 2, true), IsEmpty());
  for (const char* list :
       {"[]", "[1, \"2\"]", "[1, true]", "[1, [2]]", "[1, null]", "1", "\"1\"", "{\"a\": 1}"})
    EXPECT_THAT(read(list, 0, false), IsEmpty()) << list;
  EXPECT_THAT(read("[1, 2]", 3, false), IsEmpty());
  EXPECT_THAT(read("[1, 2, 3, 4]", 3, false), IsEmpty());
}

}  // namespace
}  // namespace qconvert
