// Einsum as MatMul: the same bits in the engine, and what is left alone.
#include "qconvert/transform/replace_einsum.h"

#include <gtest/gtest.h>

#include <cmath>

#include "qconvert/ir/topology.h"
#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using Dims = std::vector<int64_t>;

// Small whole numbers, whose products and sums are exact in whatever order.
std::vector<float> Whole(const Dims& dims, uint32_t seed) {
  size_t count = 1;
  for (const int64_t d : dims) count *= static_cast<size_t>(d);
  std::vector<float> values = RandomFloats(count, seed, 3.0F);
  for (float& value : values) value = std::round(value);
  return values;
}

// An operand of Einsum; an activation may have free dimensions where it is declared.
struct Operand {
  Dims dims;
  bool is_constant = false;
  std::vector<std::string> declared = {};
};

struct Job {
  std::string equation;
  Operand a;
  Operand b;
};

GraphBuilder WithEinsum(const Job& job) {
  GraphBuilder b;
  std::vector<std::string> names;
  for (const auto& [name, operand] : {std::pair("a", job.a), std::pair("b", job.b)}) {
    names.emplace_back(name);
    std::vector<std::string> dims = operand.declared;
    if (dims.empty())
      for (const int64_t d : operand.dims) dims.push_back(std::to_string(d));
    if (operand.is_constant) {
      b.Floats(name, operand.dims, Whole(operand.dims, name[0]));
    } else {
      b.Input(name, dims);
    }
  }
  Node& node = b.Add("Einsum", names, {"y"});
  node.name = "product";
  node.Set("equation", job.equation);
  b.Output("y");
  InferTypes(b.model, "m");
  return b;
}

std::vector<Tensor> InputsOf(const Job& job) {
  std::vector<Tensor> inputs;
  for (const auto& [name, operand] : {std::pair("a", job.a), std::pair("b", job.b)})
    if (!operand.is_constant)
      inputs.push_back(MakeFloatTensor(name, operand.dims, Whole(operand.dims, name[0] + 7U)));
  return inputs;
}

// Operators in order, what is done to constants in brackets.
std::string Operators(const Graph& graph) {
  std::string out;
  for (const Node& node : graph.nodes) {
    const bool is_constant = node.Is("Transpose") || (node.Is("Reshape") && node.inputs[0] != "a" &&
                                                      node.outputs[0] != "y");
    out += (out.empty() ? "" : " ") + (is_constant ? "[" + node.op_type + "]" : node.op_type);
  }
  return out;
}

std::string Replaced(const Job& job) {
  GraphBuilder b = WithEinsum(job);
  const Model before = b.model;
  const size_t count = ReplaceEinsum(b.model.graph);
  if (count == 0) return "";
  const std::vector<Tensor> inputs = InputsOf(job);
  for (const bool optimized : {false, true}) {
    EXPECT_TRUE(
        HaveSameElements(RunModel(before, inputs)[0], RunModel(b.model, inputs, optimized)[0]))
        << job.equation;
  }
  for (const Node& node : b.model.graph.nodes) EXPECT_EQ(node.origin_name(), "product");
  // The types that the pass writes are those that the engine finds.
  Model inferred = b.model;
  inferred.graph.value_info.clear();
  InferTypes(inferred, "m");
  for (const auto& [name, value] : inferred.graph.value_info) {
    // Of Einsum the engine infers wrong dimensions where a batch of 1 is for all.
    if (name == "y") continue;
    EXPECT_EQ(b.model.graph.value_info.at(name).type, value.type) << job.equation << " " << name;
  }
  return Operators(b.model.graph);
}

Operand Activation(Dims dims) { return {std::move(dims)}; }
Operand Constant(Dims dims) { return {std::move(dims), true}; }

TEST(ReplaceEinsumTest, ProductsWithAConstant) {
  EXPECT_EQ(Replaced({"ij,jk->ik", Activation({3, 4}), Constant({4, 5})}), "MatMul");
  EXPECT_EQ(Replaced({" b i j , j k -> b i k ", Activation({2, 3, 4}), Constant({4, 5})}),
            "MatMul");
  EXPECT_EQ(Replaced({"jk,bij->bik", Constant({4, 5}), Activation({2, 3, 4})}), "MatMul");
  EXPECT_EQ(Replaced({"ij,bjk->bik", Constant({3, 4}), Activation({2, 4, 5})}), "MatMul");
  EXPECT_EQ(Replaced({"bhij,hjk->bhik", Activation({2, 3, 4, 6}), Constant({3, 6, 5})}), "MatMul");
  EXPECT_EQ(Replaced({"ij,jk", Activation({3, 4}), Constant({4, 5})}), "MatMul") << "implicit";
}

TEST(ReplaceEinsumTest, Dots) {
  EXPECT_EQ(Replaced({"...ij,jk->...ik", Activation({2, 6, 3, 4}), Constant({4, 5})}), "MatMul");
  EXPECT_EQ(Replaced({"...j,jk->...k", Activation({2, 3, 4}), Constant({4, 5})}), "MatMul");
  EXPECT_EQ(Replaced({"b...j,jk->b...k", Activation({2, 3, 4}), Constant({4, 5})}), "MatMul");
  EXPECT_EQ(Replaced({"...ij,...jk->...ik", Activation({2, 3, 4}), Constant({2, 4, 5})}), "MatMul");
  EXPECT_EQ(Replaced({"...ij,...jk", Activation({2, 6, 3, 4}), Constant({2, 6, 4, 5})}), "MatMul");
  EXPECT_EQ(Replaced({"...ij,...jk->...ik", Activation({2, 6, 3, 4}), Activation({2, 6, 4, 5})}),
            "MatMul");
}

TEST(ReplaceEinsumTest, ConstantsAreTransposed) {
  EXPECT_EQ(Replaced({"bij,kj->bik", Activation({2, 3, 4}), Constant({5, 4})}),
            "[Transpose] MatMul");
  EXPECT_EQ(Replaced({"ji,bjk->bik", Constant({4, 3}), Activation({2, 4, 5})}),
            "[Transpose] MatMul");
  EXPECT_EQ(Replaced({"bhij,kjh->bhik", Activation({2, 3, 4, 6}), Constant({5, 6, 3})}),
            "[Transpose] MatMul");
  EXPECT_EQ(Replaced({"...j,kj->...k", Activation({2, 3, 4}), Constant({5, 4})}),
            "[Transpose] MatMul");
}

TEST(ReplaceEinsumTest, SeveralAxesAsOne) {
  EXPECT_EQ(Replaced({"btd,dhe->bthe", Activation({2, 3, 4}), Constant({4, 5, 6})}),
            "[Reshape] MatMul Reshape");
  EXPECT_EQ(Replaced({"bthe,heo->bto", Activation({2, 3, 4, 5}), Constant({4, 5, 6})}),
            "[Reshape] Reshape MatMul");
  EXPECT_EQ(Replaced({"bthe,oeh->bto", Activation({2, 3, 4, 5}), Constant({6, 5, 4})}),
            "[Transpose] [Reshape] Reshape MatMul");
  EXPECT_EQ(Replaced({"bthe,heop->btpo", Activation({2, 3, 4, 5}), Constant({4, 5, 6, 7})}),
            "[Transpose] [Reshape] Reshape MatMul Reshape");
}

TEST(ReplaceEinsumTest, ActivationsWhoseAxesStandAsInMatMul) {
  EXPECT_EQ(Replaced({"bhij,bhjk->bhik", Activation({2, 3, 4, 5}), Activation({2, 3, 5, 6})}),
            "MatMul");
  EXPECT_EQ(Replaced({"bjk,bij->bik", Activation({2, 5, 6}), Activation({2, 4, 5})}), "MatMul");
  EXPECT_EQ(Replaced({"bij,bjk->bik", Activation({1, 4, 5}), Activation({2, 5, 6})}), "MatMul")
      << "a batch of one is for all";
}

TEST(ReplaceEinsumTest, FreeDimensions) {
  const Operand free = {{2, 3, 4}, false, {"N", "S", "4"}};
  EXPECT_EQ(Replaced({"btd,dhe->bthe", free, Constant({4, 5, 6})}), "[Reshape] MatMul Reshape");
  EXPECT_EQ(Replaced({"...ij,jk->...ik", free, Constant({4, 5})}), "MatMul");
  const Operand named = {{2, 3, 4}, false, {"N", "3", "S"}};
  const Operand other = {{2, 4, 3}, false, {"N", "S", "3"}};
  EXPECT_EQ(Replaced({"bij,bjk->bik", named, other}), "MatMul") << "one symbol is one length";
  const Operand one = {{2, 3, 1}, false, {"N", "3", "?"}};
  EXPECT_EQ(Replaced({"bij,jk->bik", one, Constant({4, 5})}), "") << "Einsum repeats an axis of 1";
}

TEST(ReplaceEinsumTest, LeavesOthersAlone) {
  const Operand x = Activation({2, 3, 4});
  EXPECT_EQ(Replaced({"bij,jj->bi", x, Constant({4, 4})}), "") << "a diagonal";
  EXPECT_EQ(Replaced({"iij,jk->ik", Activation({3, 3, 4}), Constant({4, 5})}), "") << "a diagonal";
  EXPECT_EQ(Replaced({"bij,jk->bk", x, Constant({4, 5})}), "") << "summed over in one alone";
  EXPECT_EQ(Replaced({"bij,jk->ik", x, Constant({4, 5})}), "") << "summed over in one alone";
  EXPECT_EQ(Replaced({"bij,jkl->bik", x, Constant({4, 5, 2})}), "") << "summed over in one alone";
  EXPECT_EQ(Replaced({"bij,jk->bki", x, Constant({4, 5})}), "") << "the result is transposed";
  EXPECT_EQ(Replaced({"bij,ik->bjk", x, Constant({3, 5})}), "") << "x would have to be";
  EXPECT_EQ(Replaced({"bij,bkj->bik", x, Activation({2, 5, 4})}), "") << "b would have to be";
  EXPECT_EQ(Replaced({"bij,j->bi", x, Constant({4})}), "") << "a vector";
  EXPECT_EQ(Replaced({"bij,bij->bij", x, Constant({2, 3, 4})}), "") << "nothing is summed over";
  EXPECT_EQ(Replaced({"bij,ij->b", x, Constant({3, 4})}), "") << "a number for each";
  EXPECT_EQ(Replaced({"ij,kl->ijkl", Activation({2, 3}), Constant({4, 5})}), "") << "outer";
  EXPECT_EQ(Replaced({"bij,jk->bik", x, Constant({1, 5})}), "") << "an axis of 1 is repeated";
}

TEST(ReplaceEinsumTest, LeavesThreeOperandsAndConstantsThatOthersReadAlone) {
  GraphBuilder three;
  three.Input("x", {"2", "3"}).Output("y").Random("w", {3, 4}).Random("v", {4, 5});
  three.Add("Einsum", {"x", "w", "v"}, {"y"}).Set("equation", std::string("ij,jk,kl->il"));
  InferTypes(three.model, "m");
  EXPECT_EQ(ReplaceEinsum(three.model.graph), 0U);
  GraphBuilder shared = WithEinsum({"bij,kj->bik", Activation({2, 3, 4}), Constant({5, 4})});
  shared.Output("e").Ints("rows", {2}, {1, 3});
  shared.Add("Gather", {"b", "rows"}, {"e"});
  InferTypes(shared.model, "m");
  EXPECT_EQ(ReplaceEinsum(shared.model.graph), 0U) << "a second copy of it";
}

TEST(ReplaceEinsumTest, PreparedModelsReadConstants) {
  GraphBuilder b = WithEinsum({"bthe,oeh->bto", Activation({2, 3, 4, 5}), Constant({6, 5, 4})});
  PrepareModel(b.model, "m", {}, {});
  ASSERT_EQ(b.model.graph.nodes.size(), 2U);
  const Node& product = b.model.graph.nodes.back();
  EXPECT_TRUE(product.Is("MatMul"));
  EXPECT_EQ(b.model.graph.FindInitializer(product.inputs[1])->dims, (Dims{20, 6}));
}

}  // namespace
}  // namespace qconvert
