#include "qconvert/transform/insert_preprocessing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "crop_resize.h"
#include "input_nodes.h"
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
// ITU-R BT.601 of 8 bits: luma in 219 steps, chroma in 224.
constexpr double kVideoGain = 255.0 / 219;
constexpr double kVideoChroma = 255.0 / 224;
constexpr double kRed = 0.299;
constexpr double kGreen = 0.587;
constexpr double kBlue = 0.114;
// Y = kRed R + kGreen G + kBlue B, V = (R - Y) / (2 (1 - kRed)), U = (B - Y) / (2 (1 - kBlue)),
// solved for R, G and B.
constexpr double kRedOfV = 2 * (1 - kRed) * kVideoChroma;
constexpr double kBlueOfU = 2 * (1 - kBlue) * kVideoChroma;
constexpr Matrix kVideoToRgb = {{{kVideoGain, 0, kRedOfV},
                                 {kVideoGain, -kBlueOfU* kBlue / kGreen, -kRedOfV* kRed / kGreen},
                                 {kVideoGain, kBlueOfU, 0}}};

bool IsYuv(InputKind kind) { return kind == InputKind::kNv12 || kind == InputKind::kYuv444; }

ColorMap MapOf(const InputSettings& input) {
  ColorMap map{kIdentity, kCenter};
  const bool to_yuv = IsYuv(input.kind_train);
  if (IsYuv(input.kind_rt) && !to_yuv) {
    const bool video = input.range == YuvRange::kVideo;
    map.matrix = video ? kVideoToRgb : kFullToRgb;
    // gain * (Y - 16) = gain * (Y - 128) + gain * (128 - 16)
    if (video) map.offset = kVideoGain * (kCenter - kBlack);
    if (input.kind_train == InputKind::kBgr) std::swap(map.matrix[0], map.matrix[2]);
  } else if (input.kind_rt != input.kind_train && !to_yuv) {
    std::swap(map.matrix[0], map.matrix[2]);  // rgb <-> bgr
  }
  return map;
}

class Inserter {
 public:
  Inserter(const InputSettings& input, size_t index, const std::string& place, Graph& graph)
      : input_(input),
        place_(place),
        graph_(graph),
        index_(index),
        float_input_(graph.inputs[index]),
        nodes_(float_input_.name + "/preprocess/", graph) {
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
    graph_.nodes.insert(graph_.nodes.begin(), std::make_move_iterator(nodes_.nodes().begin()),
                        std::make_move_iterator(nodes_.nodes().end()));
  }

 private:
  bool is_nhwc() const { return input_.layout_train == InputLayout::kNhwc; }

  [[noreturn]] void Fail(const std::string& what) const {
    throw Error(ExitCode::kModel, place_, fmt::format("input \"{}\" {}", float_input_.name, what));
  }

  // The chip's loader has made centered channels of the pixels.
  std::string StagePixels() {
    const Dim channels{channels_, {}};
    const bool is_said = input_.layout_rt != InputLayout::kNone;
    const bool comes_nhwc =
        (is_said ? input_.layout_rt : input_.layout_train) == InputLayout::kNhwc;
    const std::vector<Dim> shape = comes_nhwc ? std::vector<Dim>{batch_, height_, width_, channels}
                                              : std::vector<Dim>{batch_, channels, height_, width_};
    const std::string values = nodes_.Cast(TakeName(DataType::kInt8, shape));
    return comes_nhwc ? nodes_.ToNchw(values) : values;
  }

  std::string DeployedPixels() {
    if (input_.source == InputSource::kResizer) return FromResizer();
    if (input_.kind_rt == InputKind::kNv12) return FromNv12();
    if (input_.kind_rt == InputKind::kGray) return FromGray();
    return nodes_.ToNchw(
        nodes_.Cast(TakeName(DataType::kInt8, {batch_, height_, width_, {channels_, {}}})));
  }

  std::string FromGray() {
    if (input_.source == InputSource::kPyramid) return nodes_.ToNchw(Centered(Plane("_y", 1, 1)));
    return Centered(TakeName(DataType::kUint8, {batch_, {1, {}}, height_, width_}));
  }

  std::string FromNv12() {
    const std::string luma = nodes_.ToNchw(Centered(Plane("_y", 1, 1)));
    const std::string chroma = nodes_.ToNchw(Centered(Plane("_uv", 2, 2)));
    constexpr std::array<float, 4> kTwice = {1, 1, 2, 2};
    const std::string scales = nodes_.Constant("scales", MakeFloatTensor("", {4}, kTwice));
    Node& resize = nodes_.Add("Resize", {chroma, "", scales});
    resize.Set("mode", std::string("nearest"));
    resize.Set("coordinate_transformation_mode", std::string("asymmetric"));
    resize.Set("nearest_mode", std::string("floor"));
    const std::string full = resize.outputs[0];
    return Joined(luma, full);
  }

  // A part of a picture of any size.
  std::string FromResizer() {
    if (!batch_.known() || batch_.value != 1)
      Fail("has a batch other than 1, the resizer takes one picture: expected separate_batch");
    const bool is_gray = input_.kind_rt == InputKind::kGray;
    const std::string y = AddInput(NewInputName("_y"), DataType::kUint8, {batch_, {}, {}, {1, {}}});
    std::string uv;
    if (!is_gray) uv = AddInput(NewInputName("_uv"), DataType::kUint8, {batch_, {}, {}, {2, {}}});
    const std::string roi = nodes_.Cast(
        AddInput(NewInputName("_roi"), DataType::kInt32, {{1, {}}, {4, {}}}), DataType::kDouble);
    Crop crop{height_.value, width_.value, 1, input_.resizer.interp, input_.resizer.pad};
    const std::string luma = CutOut(y, roi, crop, input_.resizer.pad_luma);
    if (is_gray) return luma;
    // Chroma has half of the rows and columns.
    crop.step = 2;
    return Joined(luma, CutOut(uv, roi, crop, input_.resizer.pad_chroma));
  }

  // Centered, NCHW. A crop has 0 where the roi leaves the picture, so that `pad` is 0 meanwhile.
  std::string CutOut(const std::string& bytes, const std::string& roi, const Crop& crop,
                     double pad) {
    const std::string cut = AddCropResize(Less(nodes_.Cast(bytes), pad), roi, crop, nodes_);
    return nodes_.ToNchw(Less(cut, kCenter - pad));
  }

  std::string Joined(const std::string& luma, const std::string& chroma) {
    Node& pixels = nodes_.Add("Concat", {luma, chroma});
    pixels.Set("axis", int64_t{1});
    return pixels.outputs[0];
  }

  // An input of its own, NHWC, height and width divided by `step`.
  std::string Plane(const char* suffix, int64_t channels, int64_t step) {
    return AddInput(
        NewInputName(suffix), DataType::kUint8,
        {batch_, {height_.value / step, {}}, {width_.value / step, {}}, {channels, {}}});
  }

  std::string NewInputName(const char* suffix) const {
    std::string name = float_input_.name + suffix;
    if (AllNames(graph_).contains(name))
      Fail(fmt::format("needs \"{}\", which the model has already", name));
    return name;
  }

  std::string Centered(const std::string& bytes) { return Less(nodes_.Cast(bytes), kCenter); }

  std::string Less(const std::string& values, double level) {
    if (level == 0) return values;
    return nodes_.Apply("Sub", values, nodes_.Float("center", static_cast<float>(level)));
  }

  // The 1x1 convolution that does color, mean and scale at once, and writes the float input.
  void AddConversion(const std::string& pixels) {
    const ColorMap map = MapOf(input_);
    const auto count = static_cast<size_t>(channels_);
    std::vector<float> weights;
    std::vector<float> bias;
    for (size_t to = 0; to < count; ++to) {
      const double scale = input_.ScaleOf(to);
      const double mean = input_.MeanOf(to);
      for (size_t from = 0; from < count; ++from)
        weights.push_back(static_cast<float>(scale * map.matrix[to][from]));
      bias.push_back(static_cast<float>(scale * (map.offset - mean)));
    }
    const std::string w =
        nodes_.Constant("weight", MakeFloatTensor("", {channels_, channels_, 1, 1}, weights));
    const std::string b = nodes_.Constant("bias", MakeFloatTensor("", {channels_}, bias));
    std::string values = nodes_.Add("Conv", {pixels, w, b}).outputs[0];
    if (is_nhwc()) values = nodes_.Transpose(values, {0, 2, 3, 1});
    // The convolution writes float32 whatever the model reads.
    if (float_input_.type.element != DataType::kFloat)
      nodes_.Cast(values, float_input_.type.element);
    // Whatever came last writes what the model reads.
    nodes_.nodes().back().outputs[0] = value_;
  }

  // Gives the input's name to a new input; the float value gets another.
  std::string TakeName(DataType type, std::vector<Dim> shape) {
    if (graph_.IsOutput(float_input_.name)) Fail("is an output too, cannot become pixels");
    value_ = nodes_.NewName("value");
    RenameUses(graph_, {{float_input_.name, value_}});
    return AddInput(float_input_.name, type, std::move(shape));
  }

  std::string AddInput(const std::string& name, DataType type, std::vector<Dim> shape) {
    return inputs_.emplace_back(Value{name, {type, std::move(shape), {}}, float_input_.doc, {}})
        .name;
  }

  const InputSettings& input_;
  const std::string& place_;
  Graph& graph_;
  const size_t index_;
  const Value float_input_;
  InputNodes nodes_;
  std::string value_ = float_input_.name;  // what the model reads
  Dim batch_;
  Dim height_;
  Dim width_;
  int64_t channels_ = 3;
  std::vector<Value> inputs_;
};

// A featuremap whose channels are on another axis than the float model's.
void TransposeInput(InputLayout layout_rt, size_t index, const std::string& place, Graph& graph) {
  const Value model_input = graph.inputs[index];
  const std::string& name = model_input.name;
  const auto& shape = model_input.type.shape;
  if (!shape || shape->size() != 4 || graph.IsOutput(name))
    throw Error(ExitCode::kModel, place,
                fmt::format("input \"{}\" cannot come in another layout: it needs four dimensions, "
                            "and to be no output",
                            name));
  const bool comes_nhwc = layout_rt == InputLayout::kNhwc;
  InputNodes nodes(name + "/preprocess/", graph);
  const std::string value = nodes.NewName("value");
  RenameUses(graph, {{name, value}});
  const auto& d = *shape;
  graph.inputs[index].type.shape = comes_nhwc ? std::vector<Dim>{d[0], d[2], d[3], d[1]}
                                              : std::vector<Dim>{d[0], d[3], d[1], d[2]};
  nodes.Transpose(name,
                  comes_nhwc ? std::vector<int64_t>{0, 3, 1, 2} : std::vector<int64_t>{0, 2, 3, 1});
  nodes.nodes().back().outputs[0] = value;
  graph.value_info.insert_or_assign(value, Value{value, model_input.type, {}, {}});
  graph.nodes.insert(graph.nodes.begin(), std::move(nodes.nodes().back()));
}

}  // namespace

bool ComesInAnotherLayout(const InputSettings& input) {
  return input.layout_rt != InputLayout::kNone && input.layout_train != InputLayout::kNone &&
         input.layout_rt != input.layout_train;
}

bool InsertPreprocessing(const InputSettings& input, Generation generation,
                         const std::string& place, Graph& graph) {
  const bool is_image = input.kind_rt != InputKind::kFeaturemap;
  if (!is_image && !ComesInAnotherLayout(input)) return false;
  const auto found = std::find_if(graph.inputs.begin(), graph.inputs.end(), [&](const Value& one) {
    return input.name.empty() || one.name == input.name;
  });
  if (found == graph.inputs.end())
    throw Error(ExitCode::kModel, place, fmt::format("has no input \"{}\"", input.name));
  const auto index = static_cast<size_t>(found - graph.inputs.begin());
  if (is_image) {
    Inserter(input, index, place, graph).Insert(generation);
  } else {
    TransposeInput(input.layout_rt, index, place, graph);
  }
  return true;
}

}  // namespace qconvert
