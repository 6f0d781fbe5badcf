// What lint says of several scales at one tensor, and of clamps and expansions that the engine
// does or does not take away.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "qconvert/base/error.h"
#include "support/lint_net.h"

namespace qconvert {
namespace {

// `count` scales and zero points, "s_`name`" and "z_`name`".
void AddScales(Net& b, const std::string& name, int64_t count, DataType type, uint8_t zero) {
  const auto size = static_cast<size_t>(count);
  b.Floats("s_" + name, {count}, std::vector<float>(size, 0.01F));
  b.model.graph.initializers["z_" + name] =
      MakeTensor<uint8_t>("z_" + name, type, {count}, std::vector<uint8_t>(size, zero));
}

// x -> Q -> DQ -> Gemm{w: [rows, columns] with scales along `axis`} -> Q -> DQ -> Abs
void AddGemm(Net& b, int64_t rows, int64_t columns, int64_t axis, int64_t transposed) {
  AddScales(b, "w", axis == 0 ? rows : columns, DataType::kInt8, 0);
  b.Ints("to", {2}, {64, 8}).Add("Reshape", {"x", "to"}, {"r"});
  b.Weight("w", {rows, columns});
  b.Add("DequantizeLinear", {"w", "s_w", "z_w"}, {"wd"}).Set("axis", axis);
  b.Add("Gemm", {b.Pair("r"), "wd"}, {"g"}).Set("transB", transposed);
  b.Add("Abs", {b.Pair("g")}, {"y"});
}

TEST(KernelParametersLintTest, AGemmTakesAsManyScalesAsTheProductHasColumns) {
  ExpectRules({
      {"along the columns", [](Net& b) { AddGemm(b, 8, 4, 1, 0); }, "Gemm", ""},
      {"along what is summed", [](Net& b) { AddGemm(b, 8, 4, 0, 0); }, "Gemm", "parameters"},
      {"transposed, along the columns", [](Net& b) { AddGemm(b, 4, 8, 0, 1); }, "Gemm", ""},
      {"transposed, along what is summed", [](Net& b) { AddGemm(b, 4, 8, 1, 1); }, "Gemm",
       "parameters"},
      {"the number alone counts", [](Net& b) { AddGemm(b, 8, 8, 0, 0); }, "Gemm", ""},
      {"in float behind",
       [](Net& b) {
         AddScales(b, "w", 8, DataType::kInt8, 0);
         b.Ints("to", {2}, {64, 8}).Add("Reshape", {"x", "to"}, {"r"}), b.Weight("w", {8, 4});
         b.Add("DequantizeLinear", {"w", "s_w", "z_w"}, {"wd"}).Set("axis", int64_t{0});
         b.Add("Gemm", {b.Pair("r"), "wd"}, {"g"}), b.Add("Abs", {"g"}, {"y"});
       },
       "Gemm", "parameters"},
      {"of its input",
       [](Net& b) {
         AddScales(b, "x", 8, DataType::kUint8, 128);
         b.Ints("to", {2}, {64, 8}).Add("Reshape", {"x", "to"}, {"r"});
         b.Add("Gemm", {b.Pair("r", "s_x", "z_x"), b.Weight("w", {8, 4})}, {"g"});
         b.Add("Abs", {b.Pair("g")}, {"y"});
       },
       "Gemm", "parameters"},
      {"of its output",
       [](Net& b) {
         AddScales(b, "x", 4, DataType::kUint8, 128);
         b.Ints("to", {2}, {64, 8}).Add("Reshape", {"x", "to"}, {"r"});
         b.Add("Gemm", {b.Pair("r"), b.Weight("w", {8, 4})}, {"g"});
         b.Add("Abs", {b.Pair("g", "s_x", "z_x")}, {"y"});
       },
       "Gemm", "parameters"},
      {"a product takes them along each axis",
       [](Net& b) {
         AddScales(b, "w", 8, DataType::kInt8, 0), b.Weight("w", {8, 4});
         b.Add("DequantizeLinear", {"w", "s_w", "z_w"}, {"wd"}).Set("axis", int64_t{0});
         b.Add("MatMul", {b.Pair("x"), "wd"}, {"g"}), b.Add("Abs", {b.Pair("g")}, {"y"});
       },
       "MatMul", ""},
  });
}

TEST(KernelParametersLintTest, SeveralScalesAreRefused) {
  for (const std::string op : {"Add", "Mul", "Sigmoid", "LeakyRelu", "Softmax", "AveragePool"}) {
    for (const bool behind : {false, true}) {
      SCOPED_TRACE(op + (behind ? " behind" : " in front"));
      Net b;
      AddScales(b, "v", 8, DataType::kUint8, 128);
      b.Output("y").Add("Abs", {"x"}, {"a"});
      const std::string from = behind ? b.Pair("a") : b.Pair("a", "s_v", "z_v");
      const bool is_sum = op == "Add" || op == "Mul";
      Node& node = b.Add(
          op, is_sum ? std::vector<std::string>{b.Pair("x"), from} : std::vector{from}, {"t"});
      if (op == "AveragePool") node.Set("kernel_shape", std::vector<int64_t>{2, 2});
      b.Add("Abs", {behind ? b.Pair("t", "s_v", "z_v") : b.Pair("t")}, {"y"});
      std::string rule;
      for (const LintedNode& linted : LintModel(b.model, kCpuTarget, "m").nodes)
        if (linted.op_type == op) rule = linted.broken.rule;
      size_t judged = 0;
      if (op == "Softmax" && behind) {
        EXPECT_EQ(Disagreements(b.model, judged), "");
        EXPECT_EQ(rule, "");
      } else {
        EXPECT_THROW(Disagreements(b.model, judged), Error);
        EXPECT_EQ(rule, "parameters");
      }
    }
  }
}

TEST(KernelParametersLintTest, AClampWithoutZeroPointBehindGoesWithItsOnlyReading) {
  const auto clamp = [](Net& b, const char* op_type) {
    b.Add(op_type,
          {b.Pair("x"),
           b.Weight("w", op_type == std::string("Conv") ? std::vector<int64_t>{8, 8, 1, 1}
                                                        : std::vector<int64_t>{8, 4})},
          {"m"});
    b.Add("Relu", {"m"}, {"r"}), b.Add("QuantizeLinear", {"r", "s"}, {"q"});
    b.Add("DequantizeLinear", {"q", "s"}, {"d"});
  };
  const auto other = [](Net& b) { b.Add("Exp", {"m"}, {"e"}), b.Add("Mul", {"d", "e"}, {"y"}); };
  ExpectRules({
      {"a product that is read beside", [&](Net& b) { clamp(b, "MatMul"), other(b); }, "MatMul",
       ""},
      {"a convolution that is read beside", [&](Net& b) { clamp(b, "Conv"), other(b); }, "Conv",
       "clamp"},
      {"a product that is an output",
       [&](Net& b) {
         clamp(b, "MatMul"), b.Output("m");
         b.Add("Abs", {"d"}, {"y"});
       },
       "MatMul", "output"},
  });
}

TEST(KernelParametersLintTest, AnExpandOfTheSameShapeIsTakenAway) {
  const auto expand = [](Net& b, const std::string& from, std::vector<int64_t> to) {
    const auto rank = static_cast<int64_t>(to.size());
    b.Ints("to", {rank}, std::move(to)).Add("Expand", {from, "to"}, {"e"});
    b.Add("Abs", {b.Pair("e")}, {"y"});
  };
  const auto behind = [&](std::vector<int64_t> to) {
    return [=](Net& b) { b.Conv(b.Pair("x"), "c"), expand(b, "c", to); };
  };
  ExpectRules({
      {"the same", behind({1, 8, 8, 8}), "Conv", ""},
      {"a one for all", behind({1}), "Conv", ""},
      {"the last two", behind({8, 8}), "Conv", ""},
      {"more images", behind({2, 8, 8, 8}), "Conv", "output"},
      {"more dimensions", behind({1, 1, 8, 8, 8}), "Conv", "output"},
      {"of an unknown number",
       [&](Net& b) {
         b.model.graph.inputs[0].type = FloatType({"N", "8", "8", "8"});
         b.Conv(b.Pair("x"), "c"), expand(b, "c", {1, 8, 8, 8});
       },
       "Conv", ""},
  });
}

}  // namespace
}  // namespace qconvert
