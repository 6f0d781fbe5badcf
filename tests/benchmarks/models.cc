#include "models.h"

#include <array>
#include <cmath>
#include <string>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

class ConvNet {
 public:
  ConvNet() {
    b.Input("x", {"1", "3", "224", "224"})
        .Output("y")
        .Floats("zero", {}, {0})
        .Floats("six", {}, {6});
  }

  std::string Conv(const std::string& x, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                   int64_t group, const std::string& activation) {
    const std::string id = std::to_string(count_++);
    const float fan_in = static_cast<float>(in / group * kernel * kernel);
    b.Random("w" + id, {out, in / group, kernel, kernel}, std::sqrt(2.0F / fan_in))
        .Random("b" + id, {out}, 0.1F);
    Node& node = b.Add("Conv", {x, "w" + id, "b" + id}, {"c" + id});
    node.Set("group", group);
    node.Set("strides", std::vector<int64_t>{stride, stride});
    const int64_t pad = kernel / 2;
    node.Set("pads", std::vector<int64_t>{pad, pad, pad, pad});
    if (activation.empty()) return "c" + id;
    if (activation == "Clip") {
      b.Add("Clip", {"c" + id, "zero", "six"}, {"r" + id});
    } else {
      b.Add(activation, {"c" + id}, {"r" + id});
    }
    return "r" + id;
  }

  std::string Sum(const std::string& x, const std::string& y) {
    const std::string sum = "s" + std::to_string(count_);
    b.Add("Add", {x, y}, {sum});
    return sum;
  }

  // Expand, depthwise, project; Sandler et al. 2018, figure 4.
  std::string InvertedBlock(const std::string& x, int64_t in, int64_t out, int64_t expand,
                            int64_t stride) {
    const int64_t wide = in * expand;
    std::string y = expand > 1 ? Conv(x, in, wide, 1, 1, 1, "Clip") : x;
    y = Conv(y, wide, wide, 3, stride, wide, "Clip");
    y = Conv(y, wide, out, 1, 1, 1, "");
    return stride != 1 || in != out ? y : Sum(x, y);
  }

  // Reduce, 3x3, expand by four; He et al. 2016, figure 5.
  std::string Bottleneck(const std::string& x, int64_t in, int64_t narrow, int64_t stride) {
    const int64_t out = 4 * narrow;
    std::string y = Conv(x, in, narrow, 1, 1, 1, "Relu");
    y = Conv(y, narrow, narrow, 3, stride, 1, "Relu");
    y = Conv(y, narrow, out, 1, 1, 1, "");
    const std::string sum = Sum(in == out ? x : Conv(x, in, out, 1, stride, 1, ""), y);
    b.Add("Relu", {sum}, {sum + "_relu"});
    return sum + "_relu";
  }

  // Mean over the picture, then 1000 classes.
  void Classify(const std::string& x, int64_t channels) {
    b.Random("wf", {channels, 1000}, 0.03F).Random("bf", {1000}, 0.1F);
    b.Add("GlobalAveragePool", {x}, {"p"});
    b.Add("Flatten", {"p"}, {"f"});
    b.Add("Gemm", {"f", "wf", "bf"}, {"y"});
  }

  GraphBuilder b;

 private:
  int count_ = 0;
};

class Transformer {
 public:
  static constexpr int64_t kWidth = 768;
  static constexpr int64_t kHeads = 12;
  static constexpr int64_t kTokens = 196;

  Transformer() {
    b.Input("x", {"1", "3", "224", "224"}).Output("y");
    b.Ints("split", {4}, {1, kTokens, kHeads, kWidth / kHeads});
    b.Ints("join", {3}, {1, kTokens, kWidth});
    b.Floats("scale", {}, {0.125F}).Floats("sqrt2", {}, {1.41421356F});
    b.Floats("one", {}, {1}).Floats("half", {}, {0.5F});
  }

  std::string Op(const std::string& type, std::vector<std::string> inputs) {
    const std::string name = "t" + std::to_string(count_++);
    b.Add(type, std::move(inputs), {name});
    return name;
  }

  std::string Linear(const std::string& x, int64_t in, int64_t out) {
    const std::string id = std::to_string(count_++);
    b.Random("w" + id, {in, out}, 1 / std::sqrt(static_cast<float>(in)))
        .Random("b" + id, {out}, 0.02F);
    return Op("Add", {Op("MatMul", {x, "w" + id}), "b" + id});
  }

  std::string Norm(const std::string& x) {
    const std::string id = std::to_string(count_++);
    b.Floats("g" + id, {kWidth}, std::vector<float>(kWidth, 1)).Random("n" + id, {kWidth}, 0.1F);
    return Op("LayerNormalization", {x, "g" + id, "n" + id});
  }

  std::string Heads(const std::string& x, std::vector<int64_t> order) {
    const std::string heads = Op("Reshape", {Linear(x, kWidth, kWidth), "split"});
    const std::string name = Op("Transpose", {heads});
    b.model.graph.nodes.back().Set("perm", std::move(order));
    return name;
  }

  std::string Layer(const std::string& x) {
    const std::string normed = Norm(x);
    const std::string q = Heads(normed, {0, 2, 1, 3});
    const std::string k = Heads(normed, {0, 2, 3, 1});
    const std::string v = Heads(normed, {0, 2, 1, 3});
    const std::string scores = Op("Softmax", {Op("Mul", {Op("MatMul", {q, k}), "scale"})});
    const std::string mixed = Op("Transpose", {Op("MatMul", {scores, v})});
    b.model.graph.nodes.back().Set("perm", std::vector<int64_t>{0, 2, 1, 3});
    const std::string attended =
        Op("Add", {x, Linear(Op("Reshape", {mixed, "join"}), kWidth, kWidth)});
    const std::string wide = Linear(Norm(attended), kWidth, 4 * kWidth);
    const std::string erf = Op("Add", {Op("Erf", {Op("Div", {wide, "sqrt2"})}), "one"});
    const std::string gelu = Op("Mul", {Op("Mul", {wide, erf}), "half"});
    return Op("Add", {attended, Linear(gelu, 4 * kWidth, kWidth)});
  }

  GraphBuilder b{17};

 private:
  int count_ = 0;
};

}  // namespace

Model MobileNetV2() {
  ConvNet net;
  struct Stage {
    int64_t expand, channels, repeat, stride;
  };
  std::string x = net.Conv("x", 3, 32, 3, 2, 1, "Clip");
  int64_t channels = 32;
  for (const Stage stage : std::array<Stage, 7>{{{1, 16, 1, 1},
                                                 {6, 24, 2, 2},
                                                 {6, 32, 3, 2},
                                                 {6, 64, 4, 2},
                                                 {6, 96, 3, 1},
                                                 {6, 160, 3, 2},
                                                 {6, 320, 1, 1}}}) {
    for (int64_t i = 0; i < stage.repeat; ++i) {
      x = net.InvertedBlock(x, channels, stage.channels, stage.expand, i == 0 ? stage.stride : 1);
      channels = stage.channels;
    }
  }
  net.Classify(net.Conv(x, 320, 1280, 1, 1, 1, "Clip"), 1280);
  return net.b.model;
}

Model ResNet50() {
  ConvNet net;
  std::string x = net.Conv("x", 3, 64, 7, 2, 1, "Relu");
  Node& pool = net.b.Add("MaxPool", {x}, {"pool"});
  pool.Set("kernel_shape", std::vector<int64_t>{3, 3});
  pool.Set("strides", std::vector<int64_t>{2, 2});
  pool.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  x = "pool";
  int64_t channels = 64;
  constexpr std::array<int64_t, 4> kRepeats = {3, 4, 6, 3};
  for (size_t stage = 0; stage < kRepeats.size(); ++stage) {
    const int64_t narrow = int64_t{64} << stage;
    for (int64_t i = 0; i < kRepeats[stage]; ++i) {
      x = net.Bottleneck(x, channels, narrow, i == 0 && stage > 0 ? 2 : 1);
      channels = 4 * narrow;
    }
  }
  net.Classify(x, channels);
  return net.b.model;
}

Model VisionTransformer() {
  using T = Transformer;
  T net;
  net.b.Random("wp", {T::kWidth, 3, 16, 16}, 0.036F).Random("bp", {T::kWidth}, 0.02F);
  net.b.Add("Conv", {"x", "wp", "bp"}, {"patches"}).Set("strides", std::vector<int64_t>{16, 16});
  net.b.Ints("flat", {3}, {1, T::kWidth, T::kTokens});
  std::string x = net.Op("Transpose", {net.Op("Reshape", {"patches", "flat"})});
  net.b.model.graph.nodes.back().Set("perm", std::vector<int64_t>{0, 2, 1});
  net.b.Random("positions", {1, T::kTokens, T::kWidth}, 0.1F);
  x = net.Op("Add", {x, "positions"});
  for (int layer = 0; layer < 4; ++layer) x = net.Layer(x);
  const std::string mean = net.Op("ReduceMean", {net.Norm(x)});
  net.b.model.graph.nodes.back().Set("axes", std::vector<int64_t>{1});
  net.b.model.graph.nodes.back().Set("keepdims", int64_t{0});
  net.b.Random("wc", {T::kWidth, 1000}, 0.036F).Random("bc", {1000}, 0.02F);
  net.b.Add("Gemm", {mean, "wc", "bc"}, {"y"});
  return net.b.model;
}

}  // namespace qconvert
