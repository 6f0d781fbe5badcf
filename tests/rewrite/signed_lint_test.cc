// What lint says of pairs straight behind pairs, of signed codes, and of constants that are
// computed.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/lint_net.h"

namespace qconvert {
namespace {

TEST(SignedLintTest, TheEngineAgrees) {
  ExpectRules({
      {"double pairs with different readers behind",
       [](Net& b) {
         b.Conv(b.Pair("x", "s", "i"), "c");
         const std::string again = b.Pair(b.Pair("c", "s", "i"), "s2", "i");
         b.Add("Abs", {again}, {"a"}), b.Add("Add", {again, again}, {"t"});
         b.Add("Mul", {b.Pair("t", "s", "i"), "a"}, {"y"});
       },
       "Conv", "type"},
      {"a bias of another scale",
       [](Net& b) {
         b.model.graph.initializers["b"] = MakeTensor<int32_t>(
             "b", DataType::kInt32, {8}, std::vector<int32_t>{1, 2, 3, 4, 5, 6, 7, 8});
         b.Floats("sb", {}, {0.001F}).Add("DequantizeLinear", {"b", "sb"}, {"bd"});
         b.Add("Conv", {b.Pair("x"), b.Weight("w", {8, 8, 1, 1}), "bd"}, {"c"});
         b.Add("Abs", {b.Pair("c")}, {"y"});
       },
       "Conv", "bias"},
      {"a bias of nearly the scale",
       [](Net& b) {
         b.model.graph.initializers["b"] = MakeTensor<int32_t>(
             "b", DataType::kInt32, {8}, std::vector<int32_t>{1, 2, 3, 4, 5, 6, 7, 8});
         b.Floats("sb", {}, {0.000504F}).Add("DequantizeLinear", {"b", "sb"}, {"bd"});
         b.Add("Conv", {b.Pair("x"), b.Weight("w", {8, 8, 1, 1}), "bd"}, {"c"});
         b.Add("Abs", {b.Pair("c")}, {"y"});
       },
       "Conv", ""},
      {"weights that are cut from codes",
       [](Net& b) {
         b.Ints("from", {1}, {0}).Ints("to", {1}, {8}).Ints("axes", {1}, {0});
         b.Add("Slice", {b.Weight("w", {16, 8, 1, 1}), "from", "to", "axes"}, {"cut"});
         b.Add("Conv", {b.Pair("x"), "cut"}, {"c"}), b.Add("Abs", {b.Pair("c")}, {"y"});
       },
       "Conv", "input"},
      {"a slice of everything between pairs",
       [](Net& b) {
         b.Ints("from", {1}, {0}).Ints("to", {1}, {INT64_MAX}).Ints("axes", {1}, {1});
         b.Conv(b.Pair("x", "s", "i"), "c");
         b.Add("Slice", {b.Pair("c", "s2", "i"), "from", "to", "axes"}, {"l"});
         const std::string l = b.Pair("l", "s2", "i");
         b.Add("Abs", {l}, {"a"}), b.Add("Neg", {l}, {"n"}), b.Add("Add", {"a", "n"}, {"y"});
       },
       "Conv", "type"},
      {"a shape that the engine knows",
       [](Net& b) {
         b.model.graph.inputs[0].type = FloatType({"N", "8", "8", "8"});
         b.Ints("zero", {1}, {0}).Ints("one", {1}, {1}).Ints("all", {1}, {512});
         b.Conv(b.Pair("x", "s", "i"), "c");
         const std::string c = b.Pair("c", "s2", "i");
         b.Add("Shape", {c}, {"dims"}), b.Add("Slice", {"dims", "zero", "one"}, {"n"});
         b.Add("Concat", {"n", "all"}, {"to"}).Set("axis", int64_t{0});
         b.Add("Reshape", {c, "to"}, {"r"}), b.Add("Abs", {b.Pair("r", "s2", "i")}, {"y"});
       },
       "Conv", ""},
      {"codes that the engine folds",
       [](Net& b) {
         b.Add("ReduceMean", {b.Weight("w", {8, 8})}, {"m"}), b.Add("Tanh", {"x"}, {"t"});
         b.Add("Add", {b.Pair("t", "s", "i"), b.Pair("m", "s2", "i")}, {"a"});
         b.Add("Abs", {b.Pair("a", "s", "i")}, {"y"});
       },
       "Add", "type"},
      {"a pair behind the pair of a constant",
       [](Net& b) {
         const std::string w = b.Weight("w", {1, 8, 8, 8});
         b.Add("Tanh", {"x"}, {"t"});
         b.Add("Add", {b.Pair("t", "s", "i"), b.Pair(w, "s2", "i")}, {"a"});
         b.Add("Abs", {b.Pair("a", "s", "i")}, {"y"});
       },
       "Add", ""},
      {"signed and unsigned codes of one grid",
       [](Net& b) {
         b.Ints("to", {2}, {8, 64}).Add("Tanh", {"x"}, {"t"});
         b.Add("Reshape", {b.Pair(b.Pair("t", "s", "i"), "s", "z"), "to"}, {"r"});
         b.Add("Abs", {b.Pair("r", "s", "i")}, {"y"});
       },
       "Reshape", ""},
      {"equal pairs with zero points of their own",
       [](Net& b) {
         b.Integer("zz", DataType::kUint8, 128).Conv(b.Pair("x"), "c");
         b.Add("QuantizeLinear", {"c", "s", "zz"}, {"again"});
         b.Add("DequantizeLinear", {"again", "s", "zz"}, {"again_d"});
         b.Add("Add", {"again_d", b.Pair("c")}, {"t"}), b.Add("Abs", {b.Pair("t")}, {"y"});
       },
       "Conv", "output"},
      {"codes of an output that is read as well",
       [](Net& b) {
         b.Conv(b.Pair("x", "s", "i"), "c").Output("c_d");
         const std::string c = b.Pair("c", "s2", "i");
         b.Add("LeakyRelu", {c}, {"l"}), b.Add("Abs", {b.Pair("l", "s", "i")}, {"y"});
       },
       "Conv", "type"},
      {"codes of an output that nobody reads",
       [](Net& b) {
         b.Conv(b.Pair("x", "s", "i"), "c").Add("QuantizeLinear", {"c", "s2", "i"}, {"q"});
         b.Add("DequantizeLinear", {"q", "s2", "i"}, {"y"});
       },
       "Conv", ""},
      {"a slice in front of codes that stay signed",
       [](Net& b) {
         b.model.opsets["com.microsoft"] = 1;
         b.Ints("from", {1}, {0}).Ints("to", {1}, {4}).Ints("axes", {1}, {1});
         b.Add("Abs", {"x"}, {"a"}), b.Add("Slice", {"a", "from", "to", "axes"}, {"l"});
         b.Add("QuantizeLinear", {"l", "s", "i"}, {"q"});
         b.Add("QLinearAdd", {"q", "s", "i", "q", "s", "i", "s2", "i"}, {"t"}).domain =
             "com.microsoft";
         b.Add("DequantizeLinear", {"t", "s2", "i"}, {"y"});
       },
       "Slice", "type"},
  });
}

// Whether such a Transpose is moved over the pair behind it, only the engine knows.
TEST(SignedLintTest, SaysWhatCannotBeForetold) {
  Net b;
  b.Output("y");
  b.Conv(b.Pair("x", "s", "i"), "c");
  b.Add("Transpose", {b.Pair("c", "s2", "i")}, {"t"}).Set("perm", std::vector<int64_t>{0, 2, 3, 1});
  const std::string t = b.Pair("t", "s2", "i");
  b.Add("ReduceMean", {t}, {"m"}).Set("axes", std::vector<int64_t>{3});
  b.Add("Sub", {t, "m"}, {"y"});
  size_t judged = 0;
  EXPECT_EQ(Disagreements(b.model, judged), "");
  const Lint lint = LintModel(b.model, kCpuTarget, "m");
  EXPECT_EQ(lint.CountByType(LintedNode::Kind::kUncertain),
            (std::map<std::string, size_t>{{"Conv", 1}, {"Transpose", 1}}));
  EXPECT_NE(FormatLint(lint).find("2 x not judged"), std::string::npos);
}

}  // namespace
}  // namespace qconvert
