#include "qconvert/transform/insert_preprocessing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

constexpr double kCenter = 128;
constexpr double kBlack = 16;  // Y of black in video range

using Matrix = std::array<std::array<double, 3>, 3>;  // [to][from]

// value = matrix * (pixel - 128) + offset, before mean and scale.
struct ColorMap {
  Matrix matrix{};
  double offset = kCenter;
};

constexpr Matrix kIdentity = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
constexpr Matrix kFullToRgb = {{{1, 0, 1.4017}, {1, -0.3437, -0.7142}, {1, 1.7722, 0}}};
constexpr double kVideoGain = 1.164383;
constexpr Matrix kVideoToRgb = {
    {{kVideoGain, 0, 1.596027}, {kVideoGain, -0.391762, -0.812968}, {kVideoGain, 2.017232, 0}}};

bool IsYuv(InputKind kind) { return kind == InputKind::kNv12 || kind == InputKind::kYuv444; }

ColorMap MapOf(const InputSettings& input) {
  ColorMap map{kIdentity, kCenter};
  const bool to_yuv = IsYuv(input.kind_train);
  if (IsYuv(input.kind_rt) && !to_yuv) {
    const bool video = input.range == YuvRange::kVideo;
    map.matrix = video ? kVideoToRgb : kFullToRgb;
    if (video) map.offset = kVideoGain * (kCenter - kBlack);
    if (input.kind_train == InputKind::kBgr) std::swap(map.matrix[0], map.matrix[2]);
  } else if (input.kind_rt != input.kind_train && !to_yuv) {
    std::swap(map.matrix[0], map.matrix[2]);  // rgb <-> bgr
  }
  return map;
}

// One number for all channels, or one each.
double NumberOf(const std::vector<double>& numbers, size_t channel, double fallback) {
  if (numbers.empty()) return fallback;
  return numbers.size() == 1 ? numbers[0] : numbers.at(channel);
}

class Inserter {
 public:
  Inserter(const InputSettings& input, size_t index, const std::string& place, Graph& graph)
      : input_(input),
        place_(place),
        graph_(graph),
        names_(graph),
        index_(index),
        float_input_(graph.inputs[index]) {
    const auto& shape = float_input_.type.shape;
    if (!shape || shape->size() != 4) Fail("has no shape of four dimensions, expected input_shape");
    if (!IsFloatingPoint(float_input_.type.element))
      Fail(fmt::format("is {}, expected a float image", DataTypeName(float_input_.type.element)));
    const size_t first = is_nhwc() ? 1 : 2;
    batch_ = (*shape)[0];
    height_ = (*shape)[first];
    width_ = (*shape)[first + 1];
    if (!height_.known() || !width_.known())
      Fail("has a free height or width, expected input_shape");
    channels_ = input.kind_train == InputKind::kGray ? 1 : 3;
  }

  void Insert(Generation generation) {
    const std::string pixels =
        generation == Generation::kJ5 ? StagePixels() : DeployedPixels();  // centered, NCHW
    AddConversion(pixels);
    graph_.value_info.insert_or_assign(value_, Value{value_, float_input_.type, {}, {}});
    graph_.inputs.erase(graph_.inputs.begin() + static_cast<std::ptrdiff_t>(index_));
    graph_.inputs.insert(graph_.inputs.begin() + static_cast<std::ptrdiff_t>(index_),
                         inputs_.begin(), inputs_.end());
    graph_.nodes.insert(graph_.nodes.begin(), std::make_move_iterator(nodes_.begin()),
                        std::make_move_iterator(nodes_.end()));
  }

 private:
  bool is_nhwc() const { return input_.layout_train == InputLayout::kNhwc; }

  [[noreturn]] void Fail(const std::string& what) const {
    throw Error(ExitCode::kModel, place_, fmt::format("input \"{}\" {}", float_input_.name, what));
  }

  // The chip's loader has made centered channels of the pixels.
  std::string StagePixels() {
    const std::string values = Cast(TakeName(DataType::kInt8, *float_input_.type.shape));
    return is_nhwc() ? ToNchw(values) : values;
  }

  std::string DeployedPixels() {
    if (input_.kind_rt == InputKind::kNv12) return FromNv12();
    if (input_.kind_rt == InputKind::kGray) return FromGray();
    return ToNchw(Cast(TakeName(DataType::kInt8, {batch_, height_, width_, {channels_, {}}})));
  }

  std::string FromGray() {
    if (input_.source == InputSource::kPyramid) return Plane("_y", 1, 1);
    return Centered(TakeName(DataType::kUint8, {batch_, {1, {}}, height_, width_}));
  }

  std::string FromNv12() {
    const std::string luma = Plane("_y", 1, 1);
    const std::string chroma = Plane("_uv", 2, 2);
    const std::string scales = names_.Make(Prefix("scales"));
    constexpr std::array<float, 4> kTwice = {1, 1, 2, 2};
    graph_.initializers.emplace(scales, MakeFloatTensor(scales, {4}, kTwice));
    Node& resize = Add("Resize", {chroma, "", scales});
    resize.Set("mode", std::string("nearest"));
    resize.Set("coordinate_transformation_mode", std::string("asymmetric"));
    resize.Set("nearest_mode", std::string("floor"));
    const std::string full = resize.outputs[0];
    Node& pixels = Add("Concat", {luma, full});
    pixels.Set("axis", int64_t{1});
    return pixels.outputs[0];
  }

  // An input of its own, height and width divided by `step`; centered, NCHW.
  std::string Plane(const char* suffix, int64_t channels, int64_t step) {
    const std::string name = float_input_.name + suffix;
    if (AllNames(graph_).contains(name))
      Fail(fmt::format("needs \"{}\", which the model has already", name));
    AddInput(name, DataType::kUint8,
             {batch_, {height_.value / step, {}}, {width_.value / step, {}}, {channels, {}}});
    return ToNchw(Centered(name));
  }

  std::string Centered(const std::string& bytes) {
    const std::string values = Cast(bytes);
    const std::string center = names_.Make(Prefix("center"));
    constexpr std::array<float, 1> kOne = {static_cast<float>(kCenter)};
    graph_.initializers.emplace(center, MakeFloatTensor(center, {}, kOne));
    return Add("Sub", {values, center}).outputs[0];
  }

  // The 1x1 convolution that does color, mean and scale at once, and writes the float input.
  void AddConversion(const std::string& pixels) {
    const ColorMap map = MapOf(input_);
    const auto count = static_cast<size_t>(channels_);
    std::vector<float> weights;
    std::vector<float> bias;
    for (size_t to = 0; to < count; ++to) {
      const double scale = NumberOf(input_.scale, to, 1);
      const double mean = NumberOf(input_.mean, to, 0);
      for (size_t from = 0; from < count; ++from)
        weights.push_back(static_cast<float>(scale * map.matrix[to][from]));
      bias.push_back(static_cast<float>(scale * (map.offset - mean)));
    }
    const std::string w = names_.Make(Prefix("weight"));
    const std::string b = names_.Make(Prefix("bias"));
    graph_.initializers.emplace(w, MakeFloatTensor(w, {channels_, channels_, 1, 1}, weights));
    graph_.initializers.emplace(b, MakeFloatTensor(b, {channels_}, bias));
    std::string values = Add("Conv", {pixels, w, b}).outputs[0];
    if (is_nhwc()) values = Transposed(values, {0, 2, 3, 1});
    if (float_input_.type.element != DataType::kFloat) Cast(values, float_input_.type.element);
    nodes_.back().outputs[0] = value_;
  }

  // Gives the input's name to a new input; the float value gets another.
  const std::string& TakeName(DataType type, std::vector<Dim> shape) {
    if (graph_.IsOutput(float_input_.name)) Fail("is an output too, cannot become pixels");
    value_ = names_.Make(Prefix("value"));
    RenameUses(graph_, {{float_input_.name, value_}});
    return AddInput(float_input_.name, type, std::move(shape));
  }

  const std::string& AddInput(const std::string& name, DataType type, std::vector<Dim> shape) {
    return inputs_.emplace_back(Value{name, {type, std::move(shape), {}}, float_input_.doc, {}})
        .name;
  }

  std::string Cast(const std::string& from, DataType type = DataType::kFloat) {
    Node& cast = Add("Cast", {from});
    cast.Set("to", static_cast<int64_t>(type));
    return cast.outputs[0];
  }

  std::string Transposed(const std::string& from, std::vector<int64_t> order) {
    Node& transpose = Add("Transpose", {from});
    transpose.Set("perm", std::move(order));
    return transpose.outputs[0];
  }

  std::string ToNchw(const std::string& nhwc) { return Transposed(nhwc, {0, 3, 1, 2}); }

  std::string Prefix(const char* what) const { return float_input_.name + "/preprocess/" + what; }

  // A node named as what it writes.
  Node& Add(const char* type, std::vector<std::string> inputs) {
    Node& node =
        nodes_.emplace_back(MakeNode(type, std::move(inputs), {names_.Make(Prefix(type))}));
    node.name = node.outputs[0];
    return node;
  }

  const InputSettings& input_;
  const std::string& place_;
  Graph& graph_;
  NameMaker names_;
  const size_t index_;
  const Value float_input_;
  std::string value_ = float_input_.name;  // what the model reads
  Dim batch_;
  Dim height_;
  Dim width_;
  int64_t channels_ = 3;
  std::vector<Value> inputs_;
  std::vector<Node> nodes_;
};

}  // namespace

bool InsertPreprocessing(const InputSettings& input, Generation generation,
                         const std::string& place, Graph& graph) {
  if (input.kind_rt == InputKind::kFeaturemap) return false;
  const auto found = std::find_if(graph.inputs.begin(), graph.inputs.end(), [&](const Value& one) {
    return input.name.empty() || one.name == input.name;
  });
  if (found == graph.inputs.end())
    throw Error(ExitCode::kModel, place, fmt::format("has no input \"{}\"", input.name));
  const auto index = static_cast<size_t>(found - graph.inputs.begin());
  Inserter(input, index, place, graph).Insert(generation);
  return true;
}

}  // namespace qconvert
