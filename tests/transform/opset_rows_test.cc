// What every adapter makes of a node, as text, and the same bits from both models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/ir/graph_printer.h"
#include "support/raise_opset.h"

namespace qconvert {
namespace {

using testing::StrEq;

using Dims = std::vector<int64_t>;

struct AdapterRow {
  const char* name;
  int64_t opset;
  std::function<void(GraphBuilder&)> build;  // x float[1,4,6,6] -> y
  const char* raised;                        // initializers and nodes
};

// Without the lines of inputs and outputs.
std::string TextOf(const Graph& graph) {
  std::string out;
  const std::string text = PrintGraph(graph);
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at) + 1;
    const std::string line = text.substr(at, end - at);
    if (!line.starts_with("input ") && !line.starts_with("output ")) out += line;
    at = end;
  }
  return out;
}

void ExpectRows(const std::vector<AdapterRow>& rows, int64_t opset) {
  for (const AdapterRow& row : rows) {
    SCOPED_TRACE(row.name);
    GraphBuilder b = OldModel(row.opset);
    if (row.opset > 13) b.model.ir_version = 8;
    row.build(b);
    EXPECT_THAT(TextOf(RaiseAndCompare(b, opset)), StrEq(row.raised));
  }
}

std::vector<AdapterRow> ClampRows() {
  return {
      {"no bound", 7, [](GraphBuilder& b) { b.Add("Clip", {"x"}, {"y"}); }, "y = Clip(x)\n"},
      {"the lower bound", 7, [](GraphBuilder& b) { b.Add("Clip", {"x"}, {"y"}).Set("min", -0.5F); },
       "init c0 float[] = [-0.5]\n"
       "y = Clip(x, c0)\n"},
      {"the upper bound", 10,
       [](GraphBuilder& b) { b.Add("Clip", {"x"}, {"y"}).Set("max", 0.25F); },
       "init c0 float[] = [0.25]\n"
       "y = Clip(x, _, c0)\n"},
      {"two of them", 7,
       [](GraphBuilder& b) {
         Node& node = b.Add("Clip", {"x"}, {"y"});
         node.Set("min", 0.0F);
         node.Set("max", 6.0F);
       },
       "init c0 float[] = [0]\n"
       "init c1 float[] = [6]\n"
       "y = Clip(x, c0, c1)\n"},
      {"a name that is taken", 7,
       [](GraphBuilder& b) {
         b.Floats("c0", {}, {3});
         b.Add("Add", {"x", "c0"}, {"a"});
         b.Add("Clip", {"a"}, {"y"}).Set("min", 2.0F);
       },
       "init c0 float[] = [3]\n"
       "init c1 float[] = [2]\n"
       "a = Add(x, c0)\n"
       "y = Clip(a, c1)\n"}};
}

TEST(OpsetRowsTest, Clip) { ExpectRows(ClampRows(), 13); }

std::vector<AdapterRow> PadRows() {
  const auto pad = [](Dims pads, const std::function<void(Node&)>& more) {
    return [pads, more](GraphBuilder& b) {
      Node& node = b.Add("Pad", {"x"}, {"y"});
      node.Set("pads", pads);
      more(node);
    };
  };
  const auto nothing = [](Node&) {};
  const auto mode = [](const char* text) {
    return [text](Node& node) { node.Set("mode", std::string(text)); };
  };
  return {
      {"zeros", 7, pad({0, 0, 1, 0, 0, 0, 0, 2}, nothing),
       "init c0 int64[8] = [0,0,1,0,0,0,0,2]\n"
       "y = Pad(x, c0)\n"},
      {"a zero that is written", 7,
       pad({0, 0, 1, 0, 0, 0, 0, 2}, [](Node& node) { node.Set("value", 0.0F); }),
       "init c0 int64[8] = [0,0,1,0,0,0,0,2]\n"
       "y = Pad(x, c0)\n"},
      {"channels", 10, pad({0, 1, 0, 0, 0, 2, 0, 0}, [](Node& node) { node.Set("value", -1.5F); }),
       "init c0 int64[8] = [0,1,0,0,0,2,0,0]\n"
       "init c1 float[] = [-1.5]\n"
       "y = Pad(x, c0, c1)\n"},
      {"less than there was", 7, pad({0, 0, -1, 0, 0, 0, -2, 1}, nothing),
       "init c0 int64[8] = [0,0,-1,0,0,0,-2,1]\n"
       "y = Pad(x, c0)\n"},
      {"nothing", 7, pad({0, 0, 0, 0, 0, 0, 0, 0}, nothing),
       "init c0 int64[8] = [0,0,0,0,0,0,0,0]\n"
       "y = Pad(x, c0)\n"},
      {"the edge", 7, pad({0, 0, 2, 2, 0, 0, 2, 2}, mode("edge")),
       "init c0 int64[8] = [0,0,2,2,0,0,2,2]\n"
       "y = Pad(x, c0) {mode=\"edge\"}\n"},
      {"a reflection", 7, pad({0, 0, 5, 0, 0, 0, 0, 5}, mode("reflect")),
       "init c0 int64[8] = [0,0,5,0,0,0,0,5]\n"
       "y = Pad(x, c0) {mode=\"reflect\"}\n"}};
}

TEST(OpsetRowsTest, Pad) { ExpectRows(PadRows(), 13); }

std::vector<AdapterRow> CutRows() {
  const auto slice = [](Dims starts, Dims ends, const std::optional<Dims>& axes) {
    return [=](GraphBuilder& b) {
      Node& node = b.Add("Slice", {"x"}, {"y"});
      node.Set("starts", starts);
      node.Set("ends", ends);
      if (axes) node.Set("axes", *axes);
    };
  };
  const auto crop = [](Dims border, const std::optional<Dims>& scale) {
    return [=](GraphBuilder& b) {
      Node& node = b.Add("Crop", {"x"}, {"y"});
      node.Set("border", border);
      if (scale) node.Set("scale", *scale);
    };
  };
  return {{"first axes", 7, slice({0, 1}, {1, 3}, {}),
           "init c0 int64[2] = [0,1]\n"
           "init c1 int64[2] = [1,3]\n"
           "y = Slice(x, c0, c1)\n"},
          {"from the end", 9, slice({-3, -100}, {-1, 100}, Dims{2, 3}),
           "init c0 int64[2] = [-3,-100]\n"
           "init c1 int64[2] = [-1,100]\n"
           "init c2 int64[2] = [2,3]\n"
           "y = Slice(x, c0, c1, c2)\n"},
          {"nothing left", 7, slice({4}, {2}, Dims{3}),
           "init c0 int64[1] = [4]\n"
           "init c1 int64[1] = [2]\n"
           "init c2 int64[1] = [3]\n"
           "y = Slice(x, c0, c1, c2)\n"},
          {"left, top, right, bottom", 7, crop({1, 2, 3, 1}, {}),
           "init c0 int64[2] = [2,1]\n"
           "init c1 int64[2] = [-1,-3]\n"
           "init c2 int64[2] = [2,3]\n"
           "y = Slice(x, c0, c1, c2)\n"},
          {"left and top alone", 9, crop({1, 2, 0, 0}, {}),
           "init c0 int64[2] = [2,1]\n"
           "init c1 int64[2] = [9223372036854775807,9223372036854775807]\n"
           "init c2 int64[2] = [2,3]\n"
           "y = Slice(x, c0, c1, c2)\n"},
          {"a height and a width", 7, crop({1, 2, 0, 0}, Dims{3, 4}),
           "init c0 int64[2] = [2,1]\n"
           "init c1 int64[2] = [5,5]\n"
           "init c2 int64[2] = [2,3]\n"
           "y = Slice(x, c0, c1, c2)\n"}};
}

TEST(OpsetRowsTest, SliceAndCrop) { ExpectRows(CutRows(), 13); }

std::vector<AdapterRow> SoftmaxRows() {
  const auto softmax = [](const char* op_type, std::optional<int64_t> axis) {
    return [=](GraphBuilder& b) {
      Node& node = b.Add(op_type, {"x"}, {"y"});
      if (axis) node.Set("axis", *axis);
    };
  };
  return {{"the last axis", 11, softmax("Softmax", 3), "y = Softmax(x) {axis=3}\n"},
          {"counted from behind", 11, softmax("LogSoftmax", -1), "y = LogSoftmax(x) {axis=3}\n"},
          {"two axes", 11, softmax("Softmax", -2),
           "softmax_0 = Flatten(x) {axis=-2}\n"
           "softmax_1 = Shape(x)\n"
           "softmax_2 = Softmax(softmax_0) {axis=-1}\n"
           "y = Reshape(softmax_2, softmax_1)\n"},
          {"the default", 7, softmax("Hardmax", {}),
           "softmax_0 = Flatten(x) {axis=1}\n"
           "softmax_1 = Shape(x)\n"
           "softmax_2 = Hardmax(softmax_0) {axis=-1}\n"
           "y = Reshape(softmax_2, softmax_1)\n"},
          {"all of them", 11, softmax("Softmax", 0),
           "softmax_0 = Flatten(x) {axis=0}\n"
           "softmax_1 = Shape(x)\n"
           "softmax_2 = Softmax(softmax_0) {axis=-1}\n"
           "y = Reshape(softmax_2, softmax_1)\n"}};
}

TEST(OpsetRowsTest, SoftmaxFamily) { ExpectRows(SoftmaxRows(), 13); }

// The axes that are wide decide, wherever those of size 1 stand.
TEST(OpsetRowsTest, SoftmaxOverWhatTheTypeSays) {
  struct Row {
    std::vector<std::string> dims;
    int64_t axis;
    const char* raised;  // "": four nodes
  };
  for (const Row& row :
       {Row{{"2", "1", "5", "1"}, 1, "y = Softmax(x) {axis=2}\n"},
        Row{{"2", "3", "1", "1"}, 1, "y = Softmax(x) {axis=1}\n"},
        Row{{"2", "1", "1", "1"}, 1, "y = Softmax(x) {axis=3}\n"},
        Row{{"2", "3"}, 1, "y = Softmax(x) {axis=1}\n"}, Row{{"6"}, 0, "y = Softmax(x) {axis=0}\n"},
        Row{{"1", "N"}, 0, "y = Softmax(x) {axis=1}\n"},
        Row{{"N", "1"}, 0, "y = Softmax(x) {axis=0}\n"}, Row{{"N", "2"}, 0, ""},
        Row{{"2", "3", "2", "1"}, 1, ""}, Row{{"2", "N", "?", "1"}, 1, ""}}) {
    GraphBuilder b = OldModel(11, row.dims);
    b.Add("Softmax", {"x"}, {"y"}).Set("axis", row.axis);
    const Model old = b.model;
    ConvertOpset(b.model, 13, "m");
    SCOPED_TRACE(testing::PrintToString(row.dims));
    if (*row.raised == '\0') {
      EXPECT_EQ(b.model.graph.nodes.size(), 4U);
    } else {
      EXPECT_EQ(TextOf(b.model.graph), row.raised);
    }
    Dims dims;
    for (const std::string& dim : row.dims)
      dims.push_back(dim == "N" || dim == "?" ? 3 : stoll(dim));
    const Tensor x = RandomTensor("x", dims, 3);
    EXPECT_EQ(*RunModel(old, {x})[0].bytes, *RunModel(b.model, {x})[0].bytes);
  }
}

std::vector<AdapterRow> AxesRows() {
  const auto with = [](const char* op_type, Dims axes) {
    return [=](GraphBuilder& b) { b.Add(op_type, {"x"}, {"y"}).Set("axes", axes); };
  };
  return {{"in front and behind", 11, with("Unsqueeze", {0, -1}),
           "init c0 int64[2] = [0,-1]\n"
           "y = Unsqueeze(x, c0)\n"},
          {"the first", 11, with("Squeeze", {-4}),
           "init c0 int64[1] = [-4]\n"
           "y = Squeeze(x, c0)\n"},
          {"all of size 1", 7, [](GraphBuilder& b) { b.Add("Squeeze", {"x"}, {"y"}); },
           "y = Squeeze(x)\n"},
          {"a sum", 11, with("ReduceSum", {-1, 1}),
           "init c0 int64[2] = [-1,1]\n"
           "y = ReduceSum(x, c0)\n"},
          {"a sum over all", 7,
           [](GraphBuilder& b) { b.Add("ReduceSum", {"x"}, {"y"}).Set("keepdims", int64_t{0}); },
           "y = ReduceSum(x) {keepdims=0}\n"},
          {"parts", 7,
           [](GraphBuilder& b) {
             b.Output("z");
             b.Add("Split", {"x"}, {"y", "z"}).Set("split", Dims{4, 2});
             b.model.graph.nodes[0].Set("axis", int64_t{2});
           },
           "init c0 int64[2] = [4,2]\n"
           "y, z = Split(x, c0) {axis=2}\n"},
          {"the greatest", 9,
           [](GraphBuilder& b) {
             b.Output("i", DataType::kInt64);
             b.Add("TopK", {"x"}, {"y", "i"}).Set("k", int64_t{2});
           },
           "init c0 int64[1] = [2]\n"
           "y, i = TopK(x, c0)\n"}};
}

TEST(OpsetRowsTest, AxesAndSizes) { ExpectRows(AxesRows(), 13); }

std::vector<AdapterRow> ResizeRows() {
  const auto resize = [](const char* op_type, std::vector<float> scales, const char* mode) {
    return [=](GraphBuilder& b) {
      b.Floats("s", {4}, scales);
      b.Add(op_type, {"x", "s"}, {"y"}).Set("mode", std::string(mode));
    };
  };
  return {{"enlarged", 10, resize("Resize", {1, 1, 2, 2}, "nearest"),
           "init c0 float[0] = []\n"
           "init s float[4] = [1,1,2,2]\n"
           "y = Resize(x, c0, s) {coordinate_transformation_mode=\"asymmetric\", mode=\"nearest\", "
           "nearest_mode=\"floor\"}\n"},
          {"shrunk", 10, resize("Resize", {1, 1, 0.5F, 0.5F}, "nearest"),
           "init c0 float[0] = []\n"
           "init s float[4] = [1,1,0.5,0.5]\n"
           "y = Resize(x, c0, s) {coordinate_transformation_mode=\"asymmetric\", mode=\"nearest\", "
           "nearest_mode=\"ceil\"}\n"},
          {"both, between", 10, resize("Resize", {1, 1, 0.5F, 2}, "linear"),
           "init c0 float[0] = []\n"
           "init s float[4] = [1,1,0.5,2]\n"
           "y = Resize(x, c0, s) {coordinate_transformation_mode=\"asymmetric\", "
           "mode=\"linear\"}\n"},
          {"Upsample with an input", 9, resize("Upsample", {1, 1, 3, 2}, "nearest"),
           "init c0 float[0] = []\n"
           "init s float[4] = [1,1,3,2]\n"
           "y = Resize(x, c0, s) {coordinate_transformation_mode=\"asymmetric\", mode=\"nearest\", "
           "nearest_mode=\"floor\"}\n"},
          {"Upsample with an attribute", 7,
           [](GraphBuilder& b) {
             b.Add("Upsample", {"x"}, {"y"}).Set("scales", std::vector<float>{1, 1, 2, 3});
           },
           "init c0 float[4] = [1,1,2,3]\n"
           "init c1 float[0] = []\n"
           "y = Resize(x, c1, c0) {coordinate_transformation_mode=\"asymmetric\", "
           "nearest_mode=\"floor\"}\n"}};
}

TEST(OpsetRowsTest, Resize) { ExpectRows(ResizeRows(), 13); }

std::vector<AdapterRow> NewestRows() {
  return {{"a reduction without axes", 17,
           [](GraphBuilder& b) { b.Add("ReduceMax", {"x"}, {"y"}).Set("keepdims", int64_t{0}); },
           "y = ReduceMax(x) {keepdims=0}\n"},
          {"one along an axis", 17,
           [](GraphBuilder& b) { b.Add("ReduceL2", {"x"}, {"y"}).Set("axes", Dims{-1}); },
           "init c0 int64[1] = [-1]\n"
           "y = ReduceL2(x, c0)\n"},
          {"three equal parts", 17,
           [](GraphBuilder& b) {
             b.Output("z").Output("u");
             b.Add("Split", {"x"}, {"y", "z", "u"}).Set("axis", int64_t{-1});
           },
           "y, z, u = Split(x) {axis=-1, num_outputs=3}\n"},
          {"sizes of the parts", 12,
           [](GraphBuilder& b) {
             b.Output("z");
             b.Add("Split", {"x"}, {"y", "z"}).Set("split", Dims{1, 5});
             b.model.graph.nodes[0].Set("axis", int64_t{3});
           },
           "init c0 int64[2] = [1,5]\n"
           "y, z = Split(x, c0) {axis=3}\n"},
          {"both adapters of a Clip and a Softmax", 9,
           [](GraphBuilder& b) {
             b.Add("Clip", {"x"}, {"c"}).Set("min", -1.0F);
             b.Add("Softmax", {"c"}, {"s"}).Set("axis", int64_t{3});
             b.Add("ReduceMean", {"s"}, {"y"}).Set("axes", Dims{1});
           },
           "init c0 float[] = [-1]\n"
           "init c1 int64[1] = [1]\n"
           "c = Clip(x, c0)\n"
           "softmax_0 = Flatten(c) {axis=3}\n"
           "softmax_1 = Shape(c)\n"
           "softmax_2 = Softmax(softmax_0) {axis=-1}\n"
           "s = Reshape(softmax_2, softmax_1)\n"
           "y = ReduceMean(s, c1)\n"}};
}

TEST(OpsetRowsTest, ToTheNewest) { ExpectRows(NewestRows(), kNewestConvertedOpset); }

}  // namespace
}  // namespace qconvert
