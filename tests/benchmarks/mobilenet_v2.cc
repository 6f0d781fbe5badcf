#include "mobilenet_v2.h"

#include <array>
#include <cmath>
#include <string>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

class Net {
 public:
  Net() {
    b.Input("x", {"1", "3", "224", "224"})
        .Output("y")
        .Floats("zero", {}, {0})
        .Floats("six", {}, {6});
  }

  std::string Conv(const std::string& x, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                   int64_t group, bool clip) {
    const std::string id = std::to_string(count_++);
    const float fan_in = static_cast<float>(in / group * kernel * kernel);
    b.Random("w" + id, {out, in / group, kernel, kernel}, std::sqrt(2.0F / fan_in))
        .Random("b" + id, {out}, 0.1F);
    Node& node = b.Add("Conv", {x, "w" + id, "b" + id}, {"c" + id});
    node.Set("group", group);
    node.Set("strides", std::vector<int64_t>{stride, stride});
    const int64_t pad = kernel / 2;
    node.Set("pads", std::vector<int64_t>{pad, pad, pad, pad});
    if (!clip) return "c" + id;
    b.Add("Clip", {"c" + id, "zero", "six"}, {"r" + id});
    return "r" + id;
  }

  std::string Block(const std::string& x, int64_t in, int64_t out, int64_t expand, int64_t stride) {
    const int64_t wide = in * expand;
    std::string y = expand > 1 ? Conv(x, in, wide, 1, 1, 1, true) : x;
    y = Conv(y, wide, wide, 3, stride, wide, true);
    y = Conv(y, wide, out, 1, 1, 1, false);
    if (stride != 1 || in != out) return y;
    const std::string sum = "s" + std::to_string(count_);
    b.Add("Add", {x, y}, {sum});
    return sum;
  }

  GraphBuilder b;

 private:
  int count_ = 0;
};

}  // namespace

Model MobileNetV2() {
  Net net;
  struct Stage {
    int64_t expand, channels, repeat, stride;
  };
  std::string x = net.Conv("x", 3, 32, 3, 2, 1, true);
  int64_t channels = 32;
  for (const Stage stage : std::array<Stage, 7>{{{1, 16, 1, 1},
                                                 {6, 24, 2, 2},
                                                 {6, 32, 3, 2},
                                                 {6, 64, 4, 2},
                                                 {6, 96, 3, 1},
                                                 {6, 160, 3, 2},
                                                 {6, 320, 1, 1}}}) {
    for (int64_t i = 0; i < stage.repeat; ++i) {
      x = net.Block(x, channels, stage.channels, stage.expand, i == 0 ? stage.stride : 1);
      channels = stage.channels;
    }
  }
  x = net.Conv(x, 320, 1280, 1, 1, 1, true);
  net.b.Random("wf", {1280, 1000}, 0.03F).Random("bf", {1000}, 0.1F);
  net.b.Add("GlobalAveragePool", {x}, {"p"});
  net.b.Add("Flatten", {"p"}, {"f"});
  net.b.Add("Gemm", {"f", "wf", "bf"}, {"y"});
  return net.b.model;
}

}  // namespace qconvert
