// What lint says of stored weights behind floats, of vectors of one number as parameters, and of
// indices of codes.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "qconvert/base/error.h"
#include "support/lint_net.h"

namespace qconvert {
namespace {

// Two products with weights of their own; the first ones' scale is 0.01.
void TwoProducts(Net& b, float second_scale) {
  b.Add("MatMul", {"x", b.Weight("w", {8, 8})}, {"m"});
  b.Floats("second", {}, {second_scale});
  b.model.graph.initializers["v"] =
      MakeTensor<int8_t>("v", DataType::kInt8, {8, 8}, std::vector<int8_t>(64, int8_t{3}));
  b.Add("DequantizeLinear", {"v", "second", "i"}, {"vd"});
  b.Add("MatMul", {"m", "vd"}, {"y"});
}

TEST(FewBitsLintTest, StoredWeightsAreReadByOneNodeAlone) {
  ExpectRules({
      {"weights behind a float",
       [](Net& b) {
         b.Add("MatMul", {"x", b.Weight("w", {8, 4})}, {"y"});
       },
       "MatMul", ""},
      {"two products with the same weights",
       [](Net& b) {
         const std::string w = b.Weight("w", {8, 8});
         b.Add("MatMul", {"x", w}, {"m"}), b.Add("MatMul", {"m", w}, {"y"});
       },
       "MatMul", "sharing"},
      {"two weights with equal scales", [](Net& b) { TwoProducts(b, 0.01F); }, "MatMul", "sharing"},
      {"two weights with scales of their own", [](Net& b) { TwoProducts(b, 0.02F); }, "MatMul", ""},
      {"weights that are an output too",
       [](Net& b) {
         b.Output("w_d").Add("MatMul", {"x", b.Weight("w", {8, 4})}, {"y"});
       },
       "MatMul", "sharing"},
      {"a number beside that equals the scale",
       [](Net& b) {
         b.Floats("same", {}, {0.01F}).Add("Mul", {"x", "same"}, {"m"});
         b.Add("MatMul", {"m", b.Weight("w", {8, 4})}, {"y"});
       },
       "MatMul", "sharing"},
  });
}

TEST(FewBitsLintTest, StoredWeightsWantAPlainProduct) {
  ExpectRules({
      {"a sum behind the product",
       [](Net& b) {
         b.Random("c", {4}).Add("MatMul", {"x", b.Weight("w", {8, 4})}, {"m"});
         b.Add("Add", {"m", "c"}, {"y"});
       },
       "MatMul", ""},
      {"a Gemm",
       [](Net& b) {
         b.Random("c", {4}).Ints("to", {2}, {64, 8}).Add("Reshape", {"x", "to"}, {"r"});
         b.Add("Gemm", {"r", b.Weight("w", {8, 4}), "c"}, {"y"});
       },
       "Gemm", ""},
      {"a Gemm of transposed weights",
       [](Net& b) {
         b.Random("c", {4}).Ints("to", {2}, {64, 8}).Add("Reshape", {"x", "to"}, {"r"});
         b.Add("Gemm", {"r", b.Weight("w", {4, 8}), "c"}, {"y"}).Set("transB", int64_t{1});
       },
       "Gemm", "input"},
      {"a clamp at the end",
       [](Net& b) {
         b.Add("MatMul", {"x", b.Weight("w", {8, 4})}, {"m"}), b.Add("Relu", {"m"}, {"y"});
       },
       "MatMul", ""},
      {"a clamp that one node reads",
       [](Net& b) {
         b.Add("MatMul", {"x", b.Weight("w", {8, 4})}, {"m"}), b.Add("Relu", {"m"}, {"r"});
         b.Add("Tanh", {"r"}, {"y"});
       },
       "MatMul", "input"},
      {"a quantized result",
       [](Net& b) {
         b.Add("MatMul", {"x", b.Weight("w", {8, 4})}, {"m"}), b.Add("Abs", {b.Pair("m")}, {"y"});
       },
       "MatMul", "input"},
      {"a vector of one scale",
       [](Net& b) {
         b.Floats("sw", {1}, {0.01F}).Add("MatMul", {"x", b.Weight("w", {8, 4})}, {"y"});
       },
       "MatMul", "input"},
  });
}

// Parameters in vectors of one number.
void AddVectors(Net& b) {
  b.Floats("v", {1}, {0.05F});
  for (const auto& [name, type, value] : {std::tuple{"zv", DataType::kUint8, 128},
                                          {"zv0", DataType::kUint8, 0},
                                          {"iv", DataType::kInt8, 0}})
    b.model.graph.initializers[name] =
        MakeTensor<uint8_t>(name, type, {1}, std::vector<uint8_t>{static_cast<uint8_t>(value)});
}

TEST(FewBitsLintTest, AVectorOfOneNumberIsANumber) {
  const auto pool = [](Net& b, const std::string& from) {
    b.Add("MaxPool", {from}, {"p"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  };
  ExpectRules({
      {"between vectors",
       [&](Net& b) {
         AddVectors(b), pool(b, b.Pair("x", "v", "zv")),
             b.Add("Abs", {b.Pair("p", "v", "zv")}, {"y"});
       },
       "MaxPool", ""},
      {"between a vector and a number",
       [&](Net& b) {
         AddVectors(b), pool(b, b.Pair("x", "v", "zv")), b.Add("Abs", {b.Pair("p")}, {"y"});
       },
       "MaxPool", ""},
      {"signed",
       [&](Net& b) {
         AddVectors(b), pool(b, b.Pair("x", "v", "iv")),
             b.Add("Abs", {b.Pair("p", "v", "iv")}, {"y"});
       },
       "MaxPool", ""},
      {"moved over a transpose",
       [](Net& b) {
         AddVectors(b);
         b.Add("Transpose", {b.Pair("x", "v", "zv")}, {"t"})
             .Set("perm", std::vector<int64_t>{0, 1, 3, 2});
         b.Conv("t", "c"), b.Add("Abs", {b.Pair("c")}, {"y"});
       },
       "Conv", ""},
      {"two Qs of which one has a vector",
       [](Net& b) {
         AddVectors(b), b.Conv(b.Pair("x"), "c");
         b.Add("QuantizeLinear", {"c", "v", "zv"}, {"again"});
         b.Add("DequantizeLinear", {"again", "v", "zv"}, {"again_d"});
         b.Add("Sub", {"again_d", b.Pair("c")}, {"t"}), b.Add("Abs", {b.Pair("t")}, {"y"});
       },
       "Conv", "output"},
      {"a Relu in front of a vector",
       [](Net& b) {
         AddVectors(b), b.Conv(b.Pair("x"), "c"), b.Add("Relu", {"c"}, {"r"});
         b.Add("Abs", {b.Pair("r", "v", "zv0")}, {"y"});
       },
       "Conv", ""},
      {"a Clip in front of a vector",
       [](Net& b) {
         AddVectors(b), b.Conv(b.Pair("x"), "c");
         b.Floats("low", {}, {0}).Floats("high", {}, {1e6F});
         b.Add("Clip", {"c", "low", "high"}, {"r"});
         b.Add("Abs", {b.Pair("r", "v", "zv0")}, {"y"});
       },
       "Conv", "clamp"},
      {"a sigmoid",
       [](Net& b) {
         AddVectors(b), b.Add("Sigmoid", {b.Pair("x", "v", "zv")}, {"t"});
         b.Add("Abs", {b.Pair("t", "v", "zv")}, {"y"});
       },
       "Sigmoid", ""},
  });
}
TEST(FewBitsLintTest, AGemmWantsZeroPointsWrittenOut) {
  const auto operands = [](Net& b) {
    b.Ints("to", {2}, {64, 8}).Add("Reshape", {"x", "to"}, {"r"});
    b.Add("QuantizeLinear", {"r", "s", "z0"}, {"q"}), b.Weight("w", {8, 4});
    b.Add("DequantizeLinear", {"w", "sw"}, {"w_no_zero"});
  };
  ExpectRules({
      {"all are there",
       [&](Net& b) {
         operands(b), b.Add("DequantizeLinear", {"q", "s", "z0"}, {"d"});
         b.Add("Gemm", {"d", "w_d"}, {"g"}), b.Add("Abs", {b.Pair("g")}, {"y"});
       },
       "Gemm", ""},
      {"none in front",
       [&](Net& b) {
         operands(b), b.Add("DequantizeLinear", {"q", "s"}, {"d"});
         b.Add("Gemm", {"d", "w_d"}, {"g"}), b.Add("Abs", {b.Pair("g")}, {"y"});
       },
       "Gemm", "parameters"},
      {"none of the weights",
       [&](Net& b) {
         operands(b), b.Add("DequantizeLinear", {"q", "s", "z0"}, {"d"});
         b.Add("Gemm", {"d", "w_no_zero"}, {"g"}), b.Add("Abs", {b.Pair("g")}, {"y"});
       },
       "Gemm", "parameters"},
      {"a scale in a vector",
       [&](Net& b) {
         b.Floats("sw", {1}, {0.01F});
         operands(b), b.Add("DequantizeLinear", {"q", "s", "z0"}, {"d"});
         b.Add("Gemm", {"d", "w_d"}, {"g"}), b.Add("Abs", {b.Pair("g")}, {"y"});
       },
       "Gemm", "parameters"},
      {"a product keeps its kernel",
       [&](Net& b) {
         operands(b), b.Add("DequantizeLinear", {"q", "s"}, {"d"});
         b.Add("MatMul", {"d", "w_no_zero"}, {"g"}), b.Add("Abs", {b.Pair("g")}, {"y"});
       },
       "MatMul", ""},
  });
}

// The engine makes QLinearAdd of them, and then refuses that.
TEST(FewBitsLintTest, SumsOfVectorsAreRefused) {
  for (const bool is_output : {true, false}) {
    Net b;
    AddVectors(b);
    b.Output("y").Add("Abs", {"x"}, {"a"});
    const std::string x = is_output ? b.Pair("x") : b.Pair("x", "v", "zv");
    b.Add("Add", {x, b.Pair("a")}, {"t"});
    b.Add("Abs", {is_output ? b.Pair("t", "v", "zv") : b.Pair("t")}, {"y"});
    size_t judged = 0;
    EXPECT_THROW(Disagreements(b.model, judged), Error);
    bool is_told = false;
    for (const LintedNode& node : LintModel(b.model, kCpuTarget, "m").nodes)
      is_told |= node.op_type == "Add" && node.broken.rule == "parameters";
    EXPECT_TRUE(is_told) << is_output;
  }
}

TEST(FewBitsLintTest, IndicesOfCodesAreFoundOnTheCodes) {
  const auto cast = [](Net& b) {
    b.Add("Cast", {"n"}, {"y"}).Set("to", static_cast<int64_t>(DataType::kFloat));
  };
  ExpectRules({
      {"behind a pair",
       [&](Net& b) { b.Add("ArgMax", {b.Pair("x")}, {"n"}).Set("axis", int64_t{1}), cast(b); },
       "ArgMax", ""},
      {"behind a float",
       [&](Net& b) {
         b.Add("Tanh", {b.Pair("x")}, {"t"});
         b.Add("ArgMax", {"t"}, {"n"}).Set("axis", int64_t{1}), cast(b);
       },
       "ArgMax", "input"},
      {"behind codes without a zero point",
       [&](Net& b) {
         b.Add("QuantizeLinear", {"x", "s"}, {"q"}), b.Add("DequantizeLinear", {"q", "s"}, {"d"});
         b.Add("ArgMax", {"d"}, {"n"}).Set("axis", int64_t{1}), cast(b);
       },
       "ArgMax", "parameters"},
  });
}

}  // namespace
}  // namespace qconvert
