// Shapes of values behind free dimensions: what is said of them is what the engine computes.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/transform/infer_symbolic_shapes.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

std::string ShapeText(const Graph& graph, const std::string& value) {
  const auto& shape = graph.value_info.at(value).type.shape;
  if (!shape) return "unknown";
  std::string out;
  for (const Dim& dim : *shape) {
    if (!out.empty()) out += ",";
    out += dim.known() ? std::to_string(dim.value) : dim.symbol.empty() ? "?" : dim.symbol;
  }
  return out;
}

// Infers and runs: every number is the size, and what has one name has one size in a run.
void Check(Model& model, const std::vector<std::vector<int64_t>>& inputs) {
  for (auto& [name, value] : model.graph.value_info) {
    if (!model.graph.IsOutput(name)) value.type.shape.reset();  // all of it is to be found
  }
  InferSymbolicShapes(model.graph);
  Model open = model;
  for (const Node& node : model.graph.nodes)
    for (const std::string& value : node.outputs)
      if (!value.empty() && !open.graph.IsOutput(value))
        open.graph.outputs.push_back({value, {}, {}, {}});
  open.graph.value_info.clear();
  for (const std::vector<int64_t>& dims : inputs) {
    std::map<std::string, int64_t> sizes;
    for (size_t d = 0; d < dims.size(); ++d)
      sizes[(*model.graph.inputs[0].type.shape)[d].symbol] = dims[d];
    for (const Tensor& value : RunModel(open, {RandomTensor("x", dims, 3)})) {
      if (!model.graph.value_info.contains(value.name)) continue;
      const auto& shape = model.graph.value_info.at(value.name).type.shape;
      if (!shape) continue;
      ASSERT_EQ(shape->size(), value.dims.size()) << value.name;
      for (size_t d = 0; d < shape->size(); ++d) {
        const Dim& dim = (*shape)[d];
        if (!dim.is_said()) continue;
        const auto [it, is_new] = sizes.emplace(dim.symbol, value.dims[d]);
        EXPECT_EQ(dim.known() ? dim.value : it->second, value.dims[d])
            << value.name << " " << dim.symbol;
      }
    }
  }
}

TEST(OperatorShapesTest, WindowsOverAFreeWidth) {
  GraphBuilder b(17);
  b.Input("x", {"N", "3", "W"}).Output("y");
  b.Random("w", {4, 3, 3}).Random("v", {4, 4, 2}).Floats("s", {3}, {1, 1, 2});
  b.Floats("t", {3}, {1, 1, 0.5F});
  const std::vector<int64_t> two = {2};
  b.Add("Conv", {"x", "w"}, {"same"}).Set("pads", std::vector<int64_t>{1, 1});
  Node& stride = b.Add("Conv", {"x", "w"}, {"half"});
  stride.Set("pads", std::vector<int64_t>{1, 1});
  stride.Set("strides", two);
  b.Add("Relu", {"half"}, {"r"});
  Node& pool = b.Add("MaxPool", {"r"}, {"quarter"});
  pool.Set("kernel_shape", two);
  pool.Set("strides", two);
  Node& ceil = b.Add("AveragePool", {"r"}, {"up"});
  ceil.Set("kernel_shape", two);
  ceil.Set("strides", two);
  ceil.Set("ceil_mode", int64_t{1});
  Node& lower = b.Add("Conv", {"x", "w"}, {"lower"});
  lower.Set("auto_pad", std::string("SAME_LOWER"));
  lower.Set("strides", two);
  b.Add("ConvTranspose", {"same", "v"}, {"double"}).Set("strides", two);
  b.Add("Resize", {"same", "", "s"}, {"larger"}).Set("mode", std::string("nearest"));
  b.Add("Resize", {"same", "", "t"}, {"smaller"}).Set("mode", std::string("nearest"));
  b.Add("GlobalAveragePool", {"quarter"}, {"g"});
  b.Ints("pads", {6}, {0, 0, 1, 0, 0, 2}).Add("Pad", {"g", "pads"}, {"p"});
  b.Add("Flatten", {"p"}, {"y"});
  InferTypes(b.model, "m");
  Check(b.model, {{1, 3, 9}, {2, 3, 12}, {3, 3, 6}});
  const Graph& graph = b.model.graph;
  EXPECT_EQ(ShapeText(graph, "same"), "N,4,W");
  EXPECT_EQ(ShapeText(graph, "half"), "N,4,floor((W+1)/2)");
  EXPECT_EQ(ShapeText(graph, "lower"), ShapeText(graph, "half"));
  EXPECT_EQ(ShapeText(graph, "quarter"), "N,4,floor((W+1)/4)");
  EXPECT_NE(ShapeText(graph, "up"), ShapeText(graph, "quarter")) << "rounded up";
  EXPECT_EQ(ShapeText(graph, "double"), "N,4,2*W");
  EXPECT_EQ(ShapeText(graph, "larger"), "N,4,2*W");
  EXPECT_EQ(ShapeText(graph, "smaller"), "N,4,floor(W/2)");
  EXPECT_EQ(ShapeText(graph, "p"), "N,4,4");
}

// What follows from the sizes of feature maps is said, these are not.
TEST(OperatorShapesTest, ColumnsOfAFeatureMap) {
  GraphBuilder b(17);
  b.Input("x", {"N", "3", "8", "W"}).Output("y").Random("w", {4, 3, 3, 3});
  b.Ints("to", {3}, {0, 16, -1});
  Node& conv = b.Add("Conv", {"x", "w"}, {"map"});
  conv.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  conv.Set("strides", std::vector<int64_t>{2, 2});
  b.Add("Reshape", {"map", "to"}, {"columns"});
  b.Add("Neg", {"columns"}, {"y"});
  InferTypes(b.model, "m");
  Check(b.model, {{1, 3, 8, 6}, {2, 3, 8, 9}});
  EXPECT_EQ(ShapeText(b.model.graph, "map"), "N,4,4,?");
  EXPECT_EQ(ShapeText(b.model.graph, "columns"), "N,16,floor((W+1)/2)");
}

// A recognizer of text: columns of an image become steps of an LSTM.
TEST(OperatorShapesTest, ARecurrenceOverColumns) {
  GraphBuilder b(17);
  b.Input("x", {"N", "4", "2", "W"}).Output("y").Ints("to", {3}, {0, 8, -1}).Ints("one", {1}, {1});
  b.Random("w", {1, 20, 8}, 0.3F).Random("r", {1, 20, 5}, 0.3F).Random("m", {5, 7});
  b.Add("Reshape", {"x", "to"}, {"flat"});
  b.Add("Transpose", {"flat"}, {"steps"}).Set("perm", std::vector<int64_t>{2, 0, 1});
  b.Add("LSTM", {"steps", "w", "r"}, {"all", "last", "cell"}).Set("hidden_size", int64_t{5});
  b.Add("Squeeze", {"all", "one"}, {"s"});
  b.Add("MatMul", {"s", "m"}, {"scores"});
  b.Add("Unsqueeze", {"scores", "one"}, {"u"});
  b.Add("Concat", {"scores", "scores"}, {"c"}).Set("axis", int64_t{0});
  b.Ints("parts", {2}, {3, 4}).Add("Split", {"c", "parts"}, {"a", "z"}).Set("axis", int64_t{-1});
  b.Add("Tanh", {"a"}, {"y"});
  InferTypes(b.model, "m");
  Check(b.model, {{1, 4, 2, 6}, {3, 4, 2, 9}});
  const Graph& graph = b.model.graph;
  EXPECT_EQ(ShapeText(graph, "flat"), "N,8,W");
  EXPECT_EQ(ShapeText(graph, "all"), "W,1,N,5");
  EXPECT_EQ(ShapeText(graph, "last"), "1,N,5");
  EXPECT_EQ(ShapeText(graph, "cell"), "1,N,5");
  EXPECT_EQ(ShapeText(graph, "scores"), "W,N,7");
  EXPECT_EQ(ShapeText(graph, "u"), "W,1,N,7");
  EXPECT_EQ(ShapeText(graph, "z"), "2*W,N,4");
}

TEST(OperatorShapesTest, ReductionsSlicesAndArithmetic) {
  GraphBuilder b(17);
  b.Input("x", {"N", "S", "8"}).Output("y");
  b.Ints("zero", {1}, {0})
      .Ints("one", {1}, {1})
      .Ints("two", {1}, {2})
      .Ints("end", {1}, {INT64_MAX});
  b.Ints("minus", {1}, {-1}).Ints("index", {}, {1}).Ints("five", {1}, {5});
  const auto mean = [&](const std::string& to, std::vector<int64_t> axes, int64_t keepdims) {
    Node& node = b.Add("ReduceMean", {"x"}, {to});
    node.Set("axes", std::move(axes));
    node.Set("keepdims", keepdims);
  };
  mean("kept", {-1}, 1);
  mean("gone", {1}, 0);
  b.Add("ReduceSum", {"x", "one"}, {"sum"});
  Node& best = b.Add("ArgMax", {"x"}, {"best"});
  best.Set("axis", int64_t{-1});
  best.Set("keepdims", int64_t{0});
  b.Add("Sub", {"x", "kept"}, {"d"});
  b.Add("Slice", {"x", "one", "end", "two"}, {"tail"});
  b.Add("Slice", {"x", "zero", "minus", "one"}, {"most"});
  b.Add("Shape", {"x"}, {"shape"});
  b.Add("Slice", {"shape", "zero", "two"}, {"outer"});
  b.Add("Gather", {"shape", "one"}, {"s"});
  b.Add("Div", {"s", "two"}, {"half"});
  b.Add("Add", {"half", "five"}, {"more"});
  b.Add("Concat", {"outer", "two", "minus"}, {"to"}).Set("axis", int64_t{0});
  b.Add("Reshape", {"x", "to"}, {"r"});
  b.Add("ConstantOfShape", {"more"}, {"filled"});
  b.Add("Neg", {"filled"}, {"y"});
  InferTypes(b.model, "m");
  Check(b.model, {{1, 6, 8}, {2, 5, 8}});
  const Graph& graph = b.model.graph;
  EXPECT_EQ(ShapeText(graph, "kept"), "N,S,1");
  EXPECT_EQ(ShapeText(graph, "gone"), "N,8");
  EXPECT_EQ(ShapeText(graph, "sum"), "N,1,8");
  EXPECT_EQ(ShapeText(graph, "best"), "N,S");
  EXPECT_EQ(ShapeText(graph, "d"), "N,S,8");
  EXPECT_EQ(ShapeText(graph, "tail"), "N,S,7");
  EXPECT_EQ(ShapeText(graph, "most"), "N,S:slice(0,-1,1),8");
  EXPECT_EQ(ShapeText(graph, "r"), "N,S,2,4");
  EXPECT_EQ(ShapeText(graph, "filled"), "floor(S/2)+5");
}

}  // namespace
}  // namespace qconvert
