// What is found and what is wanted where an operator of a quantized model runs in float: the words
// of each rule, and on the CPU that the engine agrees.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/lint_net.h"

namespace qconvert {
namespace {

using Dims = std::vector<int64_t>;

struct Row {
  const char* name;
  std::function<void(Net&)> build;  // x float[1,8,8,8] -> y
  const char* op_type;              // of the node in question
  const char* rule;
  const char* found;
  const char* wanted;
};

BrokenRule RuleOf(const Net& b, const Target& target, const std::string& op_type) {
  for (const LintedNode& node : LintModel(b.model, target, "m").nodes)
    if (node.op_type == op_type && node.kind != LintedNode::Kind::kAbsorbed) return node.broken;
  return {"no such node", "", "", ""};
}

void ExpectWords(const std::vector<Row>& rows, const Target& target) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    Net b;
    b.Output("y");
    row.build(b);
    const BrokenRule broken = RuleOf(b, target, row.op_type);
    EXPECT_EQ(broken.rule, row.rule);
    EXPECT_EQ(broken.found, row.found);
    EXPECT_EQ(broken.wanted, row.wanted);
    size_t judged = 0;
    if (target.suits_engine) {
      EXPECT_EQ(Disagreements(b.model, judged), "");
    }
  }
}

// value -> Q -> DQ -> Abs -> y
void End(Net& b, const std::string& value, const std::string& scale = "s",
         const std::string& zero = "z") {
  b.Add("Abs", {b.Pair(value, scale, zero)}, {"y"});
}

// value -> Q -> DQ of int8 -> two readers -> y: codes of one reader alone become unsigned on x86.
void SignedEnd(Net& b, const std::string& value, const std::string& scale = "s") {
  const std::string end = b.Pair(value, scale, "i");
  b.Add("Abs", {end}, {"of_both"}), b.Add("Add", {"of_both", end}, {"y"});
}

void Pool(Net& b, const std::string& from, const std::string& to) {
  b.Add("MaxPool", {from}, {to}).Set("kernel_shape", Dims{2, 2});
}

std::vector<Row> OutputRows() {
  constexpr const char* kAlone = "one QuantizeLinear alone";
  return {{"a Conv that a float operator reads",
           [](Net& b) { b.Conv(b.Pair("x"), "c"), b.Add("Abs", {"c"}, {"y"}); }, "Conv", "output",
           "read by Abs in float", kAlone},
          {"a Conv whose result is an output", [](Net& b) { b.Conv(b.Pair("x"), "y"); }, "Conv",
           "output", "an output of the graph", kAlone},
          {"a Conv on two grids",
           [](Net& b) {
             b.Conv(b.Pair("x"), "c"), b.Add("QuantizeLinear", {"c", "s2", "z"}, {"again"});
             b.Add("DequantizeLinear", {"again", "s2", "z"}, {"again_d"});
             b.Add("Add", {"again_d", b.Pair("c")}, {"t"}), End(b, "t");
           },
           "Conv", "output", "2 QuantizeLinear", kAlone},
          {"a Relu above the lowest code",
           [](Net& b) {
             b.Conv(b.Pair("x"), "c"), b.Add("Relu", {"c"}, {"r"});
             End(b, "r");
           },
           "Conv", "clamp", "a QuantizeLinear whose codes go beyond what Relu keeps",
           "codes that end where the clamp does"},
          {"a Clip above the lowest code",
           [](Net& b) {
             b.Floats("low", {}, {0}).Floats("high", {}, {6});
             b.Conv(b.Pair("x"), "c"), b.Add("Clip", {"c", "low", "high"}, {"r"});
             End(b, "r");
           },
           "Conv", "clamp", "a QuantizeLinear whose codes go beyond what Clip keeps",
           "codes that end where the clamp does"}};
}

TEST(BrokenRuleTest, OutputsGoToOneQuantizeLinear) { ExpectWords(OutputRows(), kCpuTarget); }

std::vector<Row> InputRows() {
  constexpr const char* kPair = "codes through a DequantizeLinear";
  return {{"an input of the graph", [](Net& b) { b.Conv("x", "c"), End(b, "c"); }, "Conv", "input",
           "an input of the graph", kPair},
          {"a value in float",
           [](Net& b) {
             b.Add("Abs", {"x"}, {"a"});
             b.Add("Add", {b.Pair("x"), "a"}, {"t"}), End(b, "t");
           },
           "Add", "input", "float written by Abs", kPair},
          {"the other operand, in float",
           [](Net& b) {
             b.Add("Exp", {"x"}, {"a"});
             b.Add("Mul", {"a", b.Pair("x")}, {"t"}), End(b, "t");
           },
           "Mul", "input", "float written by Exp", kPair},
          {"an operator without a kernel",
           [](Net& b) { b.Add("Tanh", {b.Pair("x")}, {"t"}), End(b, "t"); }, "Tanh", "operator",
           "Tanh", "an operator with an integer kernel"},
          {"one of another domain",
           [](Net& b) {
             b.model.opsets["com.microsoft"] = 1;
             b.Add("Gelu", {b.Pair("x")}, {"t"}).domain = "com.microsoft";
             End(b, "t");
           },
           "Gelu", "operator", "com.microsoft:Gelu", "an operator with an integer kernel"},
          {"one that moves codes by itself",
           [](Net& b) {
             b.Ints("p", {8}, {0, 0, 1, 1, 0, 0, 1, 1});
             b.Add("Pad", {b.Pair("x"), "p"}, {"t"}), End(b, "t");
           },
           "Pad", "operator", "Pad", "the operator on the codes themselves"},
          {"a Resize between pixels",
           [](Net& b) {
             b.Floats("sizes", {4}, {1, 1, 2, 2});
             b.Add("Resize", {b.Pair("x"), "", "sizes"}, {"t"}).Set("mode", std::string("linear"));
             End(b, "t");
           },
           "Resize", "operator", "Resize of mode linear",
           "mode nearest, the one that it has for codes"},
          {"a MaxPool before it took codes",
           [](Net& b) {
             b.model.opsets[""] = 11;
             Pool(b, b.Pair("x"), "t"), End(b, "t");
           },
           "MaxPool", "operator", "MaxPool of opset 11", "opset 12, from which on it takes codes"}};
}

TEST(BrokenRuleTest, InputsComeAsCodesOfAnOperatorWithAKernel) {
  ExpectWords(InputRows(), kCpuTarget);
}

std::vector<Row> TypeRows() {
  return {
      {"a Conv that writes another type",
       [](Net& b) { b.Conv(b.Pair("x"), "c"), SignedEnd(b, "c"); }, "Conv", "type", "int8 codes",
       "uint8 codes, as its input"},
      {"a MatMul that writes another type",
       [](Net& b) {
         b.Add("MatMul", {b.Pair("x"), b.Weight("w", {8, 4})}, {"m"});
         SignedEnd(b, "m", "s2");
       },
       "MatMul", "type", "int8 codes", "uint8 codes, as its input"},
      {"a sum of another type",
       [](Net& b) {
         b.Add("Abs", {"x"}, {"a"});
         b.Add("Add", {b.Pair("x"), b.Pair("a")}, {"t"}), SignedEnd(b, "t", "s2");
       },
       "Add", "type", "int8 codes", "uint8 codes, as its inputs"},
      {"movement to another type", [](Net& b) { Pool(b, b.Pair("x"), "t"), SignedEnd(b, "t"); },
       "MaxPool", "type", "int8 codes", "uint8 codes, as in front of the node"},
      {"movement to another scale", [](Net& b) { Pool(b, b.Pair("x"), "t"), End(b, "t", "s2"); },
       "MaxPool", "parameters", "other ones than behind the node",
       "one constant scale and zero point on both sides"},
      {"movement to another zero point",
       [](Net& b) { Pool(b, b.Pair("x"), "t"), End(b, "t", "s", "z0"); }, "MaxPool", "parameters",
       "other ones than behind the node", "one constant scale and zero point on both sides"}};
}

TEST(BrokenRuleTest, TypesAndParametersGoTogether) { ExpectWords(TypeRows(), kCpuTarget); }

// A bias of codes with this scale; that of the input is 0.05, that of the weights 0.01.
void Biased(Net& b, float scale) {
  const std::vector<int32_t> codes(8, 100);
  b.model.graph.initializers["bias"] = MakeTensor<int32_t>("bias", DataType::kInt32, {8}, codes);
  b.Floats("sb", {}, {scale}).Add("DequantizeLinear", {"bias", "sb"}, {"bias_d"});
  const std::string weight = b.Weight("w", {8, 8, 1, 1});
  b.Add("Conv", {b.Pair("x"), weight, "bias_d"}, {"c"});
  End(b, "c");
}

TEST(BrokenRuleTest, TheScaleOfABiasIsAProduct) {
  ExpectWords({{"as it is to be", [](Net& b) { Biased(b, 0.0005F); }, "Conv", "", "", ""},
               {"twice of it", [](Net& b) { Biased(b, 0.001F); }, "Conv", "bias", "scale 0.001",
                "0.0005, that of the input times that of the weights"},
               {"a tenth of it", [](Net& b) { Biased(b, 0.00005F); }, "Conv", "bias", "scale 5e-05",
                "0.0005, that of the input times that of the weights"}},
              kCpuTarget);
}

// TensorRT: pairs on inputs alone, int8 around 0, and of a sum the residual.
TEST(BrokenRuleTest, OfAGpuPairsStandOnInputs) {
  const auto signed_pair = [](Net& b, const std::string& value) { return b.Pair(value, "s", "i"); };
  ExpectWords(
      {{"signed codes", [=](Net& b) { b.Conv(signed_pair(b, "x"), "y"); }, "Conv", "", "", ""},
       {"unsigned codes", [](Net& b) { b.Conv(b.Pair("x"), "y"); }, "Conv", "type", "uint8 codes",
        "int8 codes with zero point 0"},
       {"floats", [](Net& b) { b.Conv("x", "y"); }, "Conv", "input", "an input of the graph",
        "codes through a DequantizeLinear"},
       {"a sum of codes",
        [=](Net& b) {
          b.Add("Abs", {"x"}, {"a"});
          b.Add("Add", {signed_pair(b, "x"), signed_pair(b, "a")}, {"y"});
        },
        "Add", "input", "both operands as codes", "the residual alone as codes"},
       {"a sum of floats",
        [](Net& b) {
          b.Add("Abs", {"x"}, {"a"});
          b.Add("Add", {"x", "a"}, {"y"});
        },
        "Add", "input", "no operand as codes", "the residual alone as codes"},
       {"a sum with a residual",
        [=](Net& b) {
          const std::string x = signed_pair(b, "x");
          b.Conv(x, "c").Add("Add", {"c", x}, {"y"});
        },
        "Add", "", "", ""},
       {"what passes codes on", [](Net& b) { Pool(b, "x", "y"); }, "MaxPool", "", "", ""},
       {"a small product",
        [=](Net& b) {
          b.Add("MatMul", {signed_pair(b, "x"), b.Weight("w", {8, 4})}, {"y"});
        },
        "MatMul", "operator", "its weights are 8 x 4, tensor cores take 16 and more",
        "what the table of GPU has"},
       {"an activation", [](Net& b) { b.Add("Tanh", {"x"}, {"y"}); }, "Tanh", "operator",
        "no integer kernel for Tanh", "what the table of GPU has"}},
      kGpuTarget);
}

}  // namespace
}  // namespace qconvert
