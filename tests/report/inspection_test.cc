// What is said of a model before it is converted.
#include "qconvert/report/inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "qconvert/base/utf8.h"
#include "qconvert/base/wrap.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

Inspection Sample() {
  Inspection seen;
  seen.model = "m.onnx";
  seen.file_bytes = 123'456;
  seen.ir_version = 8;
  seen.opsets = {{"", 17}, {"com.microsoft", 1}};
  seen.inputs = {{"x", "float[1,3]"}, {"s", "int64[2]"}};
  seen.outputs = {{"y", "float[1,4]"}};
  seen.operators = {{"Add", 2}, {"Conv", 5}, {"Relu", 2}};
  seen.parameters = {{"float", {1'500'000, 6'000'000}}, {"int64", {3, 24}}};
  seen.target = "CPU";
  seen.scheme = "static";
  seen.scheme_reason = "integers save time, a third of it";
  seen.products = {{"Conv", "uint8", "int8", "uint8", 4, 2.5e6, 1000, 2000, 3000},
                   {"Conv", "uint8", "int8", "float", 1, 5e5, 10, 20, 30},
                   {"MatMul", "float", "float", "float", 1, 1234, 1, 2, 3},
                   {"Gather", "int64", "int8", "float", 1, 0, 1, 2, 3}};
  seen.time_ratio = 0.6;
  seen.time_of = "with int8 dot products";
  seen.expected_bytes = 34'567;
  seen.prepared_nodes = 9;
  seen.integer_nodes = 5;
  seen.fused_nodes = 3;
  seen.float_nodes = 1;
  seen.float_reasons = {{{"MatMul", "too small"}, {"head"}}};
  return seen;
}

TEST(InspectionTest, ProductsAddUpByWhatIsMultiplied) {
  EXPECT_THAT(Sample().MultiplyAdds(),
              ElementsAre(Pair("float x float", 1234), Pair("uint8 x int8", 3e6)))
      << "of any output; a Gather multiplies nothing";
  EXPECT_THAT(Inspection().MultiplyAdds(), IsEmpty());
}

TEST(InspectionTest, TheTableSaysAllOfIt) {
  const std::string text = FormatInspection(Sample());
  for (const char* part :
       {"m.onnx: 123.5 kB, IR 8\n", "  inputs    x  float[1,3]\n            s  int64[2]\n",
        "  outputs   y  float[1,4]\n", "  opsets    ai.onnx 17, com.microsoft 1\n",
        "  nodes     5 Conv, 2 Add, 2 Relu\n",
        "  constants 1.5 M float (6000.0 kB), 3 int64 (24 B)\n",
        "Expected of a conversion for CPU, nothing measured yet\n",
        "  scheme    static: integers save time, a third of it\n",
        "  MACs      1234 float x float, 3.0 M uint8 x int8\n",
        "  time      0.60 of the float time, of nodes that integer kernels take,\n"
        "            with int8 dot products\n",
        "  size      123.5 kB -> about 34.6 kB\n",
        "  nodes     9 after the float passes: 5 integer, 3 fused into them, 1 float\n",
        "              1 x MatMul             too small\n"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(text, Not(HasSubstr("free dimensions")));
  EXPECT_THAT(text, Not(HasSubstr(", by ")));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(CountColumns(line), kTerminalColumns) << line;
}

TEST(InspectionTest, WhatIsNotAlwaysThereIsSaidWhereItIs) {
  Inspection seen = Sample();
  seen.producer = "pytorch 2.1";
  seen.has_free_dimensions = true;
  EXPECT_THAT(FormatInspection(seen), HasSubstr("IR 8, by pytorch 2.1\n"));
  EXPECT_THAT(FormatInspection(seen), HasSubstr("            free dimensions count as 1\n"));
  seen.products.clear();
  const std::string text = FormatInspection(seen);
  EXPECT_THAT(text, HasSubstr("  MACs      0\n"));
  EXPECT_THAT(text, Not(HasSubstr("kB in"))) << "no rows, no header";
}

TEST(InspectionTest, RowsStandBelowTheirHeaderTheFirstTwelve) {
  Inspection seen = Sample();
  seen.products.resize(2);
  std::istringstream lines(FormatInspection(seen));
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);)
    if (line.find(" -> ") != std::string::npos && line.find("about") == std::string::npos)
      rows.push_back(line);
  ASSERT_EQ(rows.size(), 3U);
  for (const char* column : {"nodes", "MACs", "kB in", "weights", "out"}) {
    const size_t end = rows[0].rfind(column) + std::string(column).size();
    for (size_t k = 1; k < 3; ++k) EXPECT_NE(rows[k].at(end - 1), ' ') << column << rows[k];
  }
  EXPECT_THAT(rows[1], HasSubstr("uint8 x int8 -> uint8"));
  EXPECT_THAT(rows[1], testing::EndsWith("    4   2.5 M     1.0     2.0     3.0"));
  seen.products.assign(13, seen.products[0]);
  EXPECT_THAT(FormatInspection(seen), HasSubstr("            ... 1 more row, see the JSON\n"));
  seen.products.assign(15, seen.products[0]);
  EXPECT_THAT(FormatInspection(seen), HasSubstr("            ... 3 more rows, see the JSON\n"));
}

// Rows: a count and how it is written.
TEST(InspectionTest, AmountsHaveThreeOrFourDigits) {
  for (const auto& [count, text] : std::vector<std::pair<double, std::string>>{{1, "1"},
                                                                               {9999, "9999"},
                                                                               {12'345, "12.3 k"},
                                                                               {5e5, "500.0 k"},
                                                                               {1e6, "1.0 M"},
                                                                               {2.34e9, "2.3 G"}}) {
    Inspection seen;
    seen.products = {{.op_type = "Conv", .input = "a", .weight = "b", .multiply_adds = count}};
    EXPECT_THAT(FormatInspection(seen), HasSubstr("  MACs      " + text + " a x b\n"));
  }
}

TEST(InspectionTest, LongListsGoOnBelowThemselves) {
  Inspection seen = Sample();
  for (int k = 0; k < 40; ++k) seen.operators["Operator" + std::to_string(k)] = 1;
  seen.operators["Very" + std::string(100, 'y') + "Long"] = 1;
  std::istringstream lines(FormatInspection(seen));
  size_t below = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("Operator") == std::string::npos || line.starts_with("  nodes")) continue;
    EXPECT_TRUE(line.starts_with("            ")) << line;
    EXPECT_LE(line.size(), kTerminalColumns);
    ++below;
  }
  EXPECT_GT(below, 5U);
}

TEST(InspectionTest, TheJsonHoldsWhatTheTableLeavesOut) {
  Inspection seen = Sample();
  seen.warnings = {"odd"};
  seen.inputs[0].name = "x\xff";
  const auto json = nlohmann::json::parse(InspectionJson(seen, "success"));
  EXPECT_EQ(json["exit"], "success");
  EXPECT_EQ(json["bytes"], 123'456);
  EXPECT_EQ(json["opsets"]["ai.onnx"], 17);
  EXPECT_EQ(json["inputs"][1]["type"], "int64[2]");
  EXPECT_EQ(json["constants"]["float"]["bytes"], 6'000'000);
  EXPECT_EQ(json["has_free_dimensions"], false);
  EXPECT_EQ(json["warnings"].dump(), "[\"odd\"]");
  const auto& expected = json["expected"];
  EXPECT_EQ(expected["scheme"]["name"], "static");
  EXPECT_EQ(expected["products"].size(), 4U);
  EXPECT_EQ(expected["products"][3]["op_type"], "Gather");
  EXPECT_EQ(expected["multiply_adds"]["uint8 x int8"], 3e6);
  EXPECT_EQ(expected["nodes"]["fused"], 3);
  EXPECT_EQ(expected["float_nodes"][0]["nodes"][0], "head");
  EXPECT_EQ(expected["time_ratio"], 0.6);
}

}  // namespace
}  // namespace qconvert
