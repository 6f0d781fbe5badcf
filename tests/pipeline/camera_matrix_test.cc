// Every form of a camera file: each makes a model that runs on raw bytes as the float model does on
// what these bytes mean, or is refused with the rule that it breaks.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "support/errors.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

constexpr size_t kSide = 8;
constexpr size_t kPixels = kSide * kSide;
constexpr size_t kSamples = 6;
constexpr std::array<double, 3> kMean = {123.675, 116.28, 103.53};
constexpr std::array<double, 3> kScale = {0.01712475, 0.017507, 0.01742919};

struct Form {
  std::string march;
  std::string train;
  std::string rt;
  bool is_nhwc = false;
  std::string layout_rt;  // "": not said
  std::string norm;       // "", mean, scale or std, the latter two with a mean
  std::string source;     // "": not said
  size_t batch = 1;
  bool is_separate = false;
  std::string removal;  // a line of model_parameters
  std::string node_info;
  std::string calibration = "max";
  std::string output;  // "", int8 or int16
  bool is_video = false;
  bool folds = false;

  bool is_j5() const { return !march.starts_with("nash-"); }
  bool is_resizer() const { return source == "resizer"; }
  bool is_yuv() const { return rt == "nv12" || rt == "yuv444"; }
  bool is_image() const { return rt != "featuremap"; }
  size_t channels() const { return train == "gray" ? 1 : 3; }
};

void PrintTo(const Form& form, std::ostream* out) {
  *out << fmt::format(
      "{} {} -> {}, {}, layout_rt '{}', norm '{}', source '{}', batch {} (apart {}), '{}', '{}', "
      "{}, "
      "output '{}', video {}, folds {}",
      form.march, form.train, form.rt, form.is_nhwc ? "NHWC" : "NCHW", form.layout_rt, form.norm,
      form.source, form.batch, form.is_separate, form.removal, form.node_info, form.calibration,
      form.output, form.is_video, form.folds);
}

std::string Numbers(const std::array<double, 3>& numbers, size_t count, bool invert) {
  std::vector<double> shown(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(count));
  for (double& number : shown) number = invert ? 1 / number : number;
  return fmt::format("{}", fmt::join(shown, " "));
}

std::string FileOf(const Form& form) {
  std::string text =
      fmt::format("model_parameters:\n  onnx_model: model.onnx\n  march: {}\n", form.march);
  if (!form.removal.empty()) text += "  " + form.removal + "\n";
  if (!form.node_info.empty()) text += "  node_info: " + form.node_info + "\n";
  text += fmt::format(
      "input_parameters:\n  input_name: image\n  input_type_rt: {}\n  input_type_train: {}\n"
      "  input_layout_train: {}\n",
      form.rt, form.train, form.is_nhwc ? "NHWC" : "NCHW");
  if (!form.norm.empty()) text += "  mean_value: " + Numbers(kMean, form.channels(), false) + "\n";
  if (form.norm.starts_with("s")) {
    text += fmt::format("  {}_value: {}\n", form.norm,
                        Numbers(kScale, form.channels(), form.norm == "std"));
  }
  if (!form.layout_rt.empty()) text += "  input_layout_rt: " + form.layout_rt + "\n";
  if (form.is_video) text += "  input_space_and_range: bt601_video\n";
  if (form.folds) text += "  fold_normalization: true\n";
  if (form.batch > 1) text += fmt::format("  input_batch: {}\n", form.batch);
  if (form.is_separate) text += "  separate_batch: True\n";
  text += fmt::format("calibration_parameters:\n  cal_data_dir: cal\n  calibration_type: {}\n",
                      form.calibration);
  if (!form.output.empty()) text += "  optimization: set_model_output_" + form.output + "\n";
  if (!form.source.empty())
    text += "compiler_parameters:\n  input_source: {image: " + form.source + "}\n";
  return text;
}

Model Network(const Form& form) {
  const std::string channels = std::to_string(form.channels());
  GraphBuilder b;
  b.Output("scores");
  std::string pixels = "image";
  if (form.is_nhwc) {
    b.Input("image", {"1", "8", "8", channels});
    b.Add("Transpose", {"image"}, {"planes"}).Set("perm", std::vector<int64_t>{0, 3, 1, 2});
    pixels = "planes";
  } else {
    b.Input("image", {"1", channels, "8", "8"});
  }
  b.Random("w", {8, static_cast<int64_t>(form.channels()), 3, 3}, 0.3F).Random("v", {4, 8, 3, 3});
  Node& first = b.Add("Conv", {pixels, "w"}, {"c"});
  first.name = "Conv_0";
  first.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Conv", {"r", "v"}, {"scores"}).name = "Conv_1";
  return b.model;
}

// What a camera gives: three channels of the runtime type, chroma equal in 2x2 blocks.
using Frame = std::array<std::array<uint8_t, kPixels>, 3>;

Frame MakeFrame(const Form& form, size_t seed) {
  Frame frame;
  for (size_t c = 0; c < 3; ++c) {
    const bool is_chroma = form.is_yuv() && c > 0;
    // A resizer blends chroma between blocks; the frame is then the same everywhere.
    const size_t block = is_chroma ? (form.is_resizer() ? kSide : 2) : 1;
    for (size_t i = 0; i < kPixels; ++i) {
      const auto row = static_cast<double>(i / kSide / block);
      const auto column = static_cast<double>(i % kSide / block);
      const double wave = std::sin(0.9 * row + 0.4 * column + 2.0 * static_cast<double>(c) +
                                   1.3 * static_cast<double>(seed));
      frame[c][i] = static_cast<uint8_t>(std::lround(120 + (is_chroma ? 30 : 60) * wave));
    }
  }
  return frame;
}

// In the training domain, from the definitions.
std::array<double, 3> TrainPixel(const Form& form, const Frame& frame, size_t i) {
  std::array<double, 3> p = {static_cast<double>(frame[0][i]), static_cast<double>(frame[1][i]),
                             static_cast<double>(frame[2][i])};
  const bool is_rgb = form.train == "rgb" || form.train == "bgr";
  if (!is_rgb) return p;
  if (form.is_yuv()) {
    const double u = p[1] - 128;
    const double v = p[2] - 128;
    const double y = 1.164383562 * (p[0] - 16);
    if (form.is_video) {
      p = {y + 1.596027 * v, y - 0.391762 * u - 0.812968 * v, y + 2.017232 * u};
    } else {
      p = {p[0] + 1.4017 * v, p[0] - 0.3437 * u - 0.7142 * v, p[0] + 1.7722 * u};
    }
    if (form.train == "bgr") std::swap(p[0], p[2]);
  } else if (form.rt != form.train) {
    std::swap(p[0], p[2]);
  }
  return p;
}

// Channels by pixel or planes, as the float model's layout is.
std::vector<double> TrainPixels(const Form& form, const Frame& frame, bool normalize) {
  std::vector<double> out(form.channels() * kPixels);
  for (size_t i = 0; i < kPixels; ++i) {
    const std::array<double, 3> pixel = TrainPixel(form, frame, i);
    for (size_t c = 0; c < form.channels(); ++c) {
      const double scale = form.norm == "mean" ? 1 : kScale[c];
      const double value = normalize && !form.norm.empty() ? (pixel[c] - kMean[c]) * scale
                           : form.is_image()               ? pixel[c]
                                                           : (pixel[c] - 120) / 60;
      out[form.is_nhwc ? i * form.channels() + c : c * kPixels + i] = value;
    }
  }
  return out;
}

Tensor FloatInput(const Form& form, const Frame& frame) {
  std::vector<float> values;
  for (const double value : TrainPixels(form, frame, true))
    values.push_back(static_cast<float>(value));
  const auto channels = static_cast<int64_t>(form.channels());
  const std::vector<int64_t> dims = form.is_nhwc ? std::vector<int64_t>{1, 8, 8, channels}
                                                 : std::vector<int64_t>{1, channels, 8, 8};
  return MakeFloatTensor("image", dims, values);
}

// J5: headerless pixels of the training domain; J6 and featuremaps: what the float model takes.
void WriteSample(const Form& form, size_t seed, const TempDir& folder) {
  const Frame frame = MakeFrame(form, seed);
  if (!form.is_j5() || !form.is_image()) {
    const Tensor sample = FloatInput(form, frame);
    folder.Write(fmt::format("cal/{}.npy", seed), NpyFloats(sample.dims, sample.values<float>()));
    return;
  }
  std::string bytes;
  for (const double value : TrainPixels(form, frame, false))
    bytes.push_back(static_cast<char>(static_cast<uint8_t>(std::clamp(value, 0.0, 255.0))));
  folder.Write(fmt::format("cal/{}.pixels", seed), bytes);
}

// What a Quantize or Dequantize at the border left in the metadata.
struct Numbering {
  float scale = 0;
  int zero_point = 0;
};

Numbering NumberingOf(const Model& model, const std::string& op_type) {
  for (const auto& [key, text] : model.metadata) {
    if (!key.starts_with("qconvert.removed.") || !text.starts_with(op_type)) continue;
    const size_t zero = text.find("zero point ");
    return {std::stof(text.substr(text.find("scale ") + 6)),
            zero == std::string::npos ? 0 : std::stoi(text.substr(zero + 11))};
  }
  ADD_FAILURE() << "codes without their scale";
  return {1, 0};
}

template <typename T>
void AppendCodes(const Tensor& floats, const Numbering& numbers, std::string& bytes) {
  using Limits = std::numeric_limits<T>;
  for (const float value : floats.values<float>()) {
    const float code =
        std::nearbyint(value / numbers.scale) + static_cast<float>(numbers.zero_point);
    const auto stored = static_cast<T>(std::clamp<float>(code, Limits::min(), Limits::max()));
    bytes.append(reinterpret_cast<const char*>(&stored), sizeof(stored));
  }
}

// As floats, or as the codes that a Quantize would have made.
void AppendFeatures(Form form, const Value& input, const Frame& frame, const Model& model,
                    std::string& bytes) {
  form.is_nhwc = (*input.type.shape)[3].value <= 3;
  const Tensor floats = FloatInput(form, frame);
  if (input.type.element == DataType::kInt8) {
    AppendCodes<int8_t>(floats, NumberingOf(model, "QuantizeLinear"), bytes);
  } else if (input.type.element == DataType::kInt16) {
    AppendCodes<int16_t>(floats, NumberingOf(model, "QuantizeLinear"), bytes);
  } else {
    bytes += *floats.bytes;
  }
}

// What one input of the deployed model holds of one frame.
void Append(const Form& form, const Value& input, const Frame& frame, const Model& model,
            std::string& bytes) {
  const std::vector<Dim>& dims = *input.type.shape;
  if (input.name.ends_with("_roi")) {
    constexpr std::array<int32_t, 4> kAll = {0, 0, kSide - 1, kSide - 1};
    bytes.append(reinterpret_cast<const char*>(kAll.data()), sizeof(kAll));
  } else if (input.name.ends_with("_uv")) {
    for (size_t i = 0; i < kPixels; ++i) {
      if (i / kSide % 2 != 0 || i % 2 != 0) continue;
      bytes += {static_cast<char>(frame[1][i]), static_cast<char>(frame[2][i])};
    }
  } else if (!form.is_image()) {
    AppendFeatures(form, input, frame, model, bytes);
  } else {
    const bool is_plane = form.channels() == 1 || input.name.ends_with("_y");
    const size_t channels = is_plane ? 1 : 3;
    const int offset = input.type.element == DataType::kInt8 ? 128 : 0;
    const bool by_pixel = dims[3].value <= 3;
    for (size_t k = 0; k < channels * kPixels; ++k) {
      const size_t c = by_pixel ? k % channels : k / kPixels;
      const size_t i = by_pixel ? k / channels : k % kPixels;
      bytes.push_back(static_cast<char>(frame[c][i] - offset));
    }
  }
}

std::vector<Tensor> Feeds(const Form& form, const Model& model, const std::vector<Frame>& frames) {
  std::vector<Tensor> feeds;
  for (const Value& input : model.graph.inputs) {
    Tensor tensor;
    tensor.name = input.name;
    tensor.type = input.type.element;
    for (const Dim& dim : *input.type.shape) tensor.dims.push_back(dim.known() ? dim.value : kSide);
    if (form.is_resizer() && input.name.ends_with("_uv"))
      tensor.dims[1] = tensor.dims[2] = kSide / 2;
    std::string bytes;
    for (size_t f = 0; f < frames.size(); ++f) {
      const bool is_mine = !form.is_separate || input.name.starts_with(fmt::format("image_{}", f));
      if (is_mine) Append(form, input, frames[f], model, bytes);
    }
    tensor.bytes = std::make_shared<const std::string>(std::move(bytes));
    feeds.push_back(std::move(tensor));
  }
  return feeds;
}

// The floats of an output; where Dequantize was removed, by the numbers that it left.
std::vector<float> Floats(const Model& model, const Tensor& output) {
  if (output.type == DataType::kFloat)
    return {output.values<float>().begin(), output.values<float>().end()};
  const Numbering numbers = NumberingOf(model, "DequantizeLinear");
  std::vector<float> out;
  for (int64_t k = 0; k < output.element_count(); ++k) {
    const auto i = static_cast<size_t>(k);
    const int code =
        output.type == DataType::kInt8 ? output.values<int8_t>()[i] : output.values<int16_t>()[i];
    out.push_back(static_cast<float>(code - numbers.zero_point) * numbers.scale);
  }
  return out;
}

double Sqnr(const std::vector<float>& expected, const std::vector<float>& actual) {
  EXPECT_EQ(expected.size(), actual.size());
  double signal = 0;
  double noise = 1e-30;
  for (size_t i = 0; i < std::min(expected.size(), actual.size()); ++i) {
    const double e = static_cast<double>(expected[i]);
    const double d = e - static_cast<double>(actual[i]);
    signal += e * e;
    noise += d * d;
  }
  return 10 * std::log10(signal / noise);
}

// What a form reaches at least. Ranges of random data and of few values cut by kl are not those of
// the frames; without a norm these all lie far from 0, and kl cuts most of them.
double LeastSqnr(const Form& form) {
  const bool is_normal = form.norm.starts_with("s") || !form.is_image();
  if (form.calibration == "kl") return is_normal ? 6 : -10;
  return form.calibration == "skip" ? 6 : 20;
}

// J5 stages take what the chip's loader makes, J6 stages what the float model takes.
void CheckStages(Form form, const TempDir& folder) {
  form.is_separate = false;  // one sample
  const Frame frame = MakeFrame(form, 4);
  const Tensor input = FloatInput(form, frame);
  const Tensor expected = RunModel(Network(form), {input}).at(0);
  for (const char* stage : {"original_float", "optimized_float", "calibrated", "ptq"}) {
    SCOPED_TRACE(stage);
    const Model model = LoadOnnx(folder / fmt::format("out_{}_model.onnx", stage)).model;
    ASSERT_EQ(model.graph.inputs.size(), 1U);
    const bool is_float = model.graph.inputs[0].type.element == DataType::kFloat;
    EXPECT_EQ(is_float, !form.is_j5() || !form.is_image());
    const Tensor out = is_float ? RunModel(model, {input}).at(0)
                                : RunModel(model, Feeds(form, model, {frame})).at(0);
    const bool is_exact = std::string_view(stage).ends_with("_float");
    EXPECT_GT(Sqnr({expected.values<float>().begin(), expected.values<float>().end()},
                   {out.values<float>().begin(), out.values<float>().end()}),
              is_exact ? 80 : LeastSqnr(form));
  }
}

void ConvertAndRun(const Form& form) {
  const TempDir folder;
  folder.Write("model.onnx", SerializeModel(Network(form)));
  for (size_t seed = 0; seed < kSamples; ++seed) WriteSample(form, seed, folder);
  const LoadedConfig loaded = LoadText(FileOf(form));
  ConvertOptions options;
  options.model = folder / "model.onnx";
  options.output = folder / "out.onnx";
  options.write_stages = true;
  options.config = loaded.config;
  options.effective_config = loaded.effective;
  options.guard = GuardMode::kOff;
  if (form.calibration != "skip") options.calibration_folder = folder / "cal";
  const ConversionReport report = Convert(options);
  EXPECT_GE(report.integer_nodes, 1U);

  std::vector<Frame> frames;
  std::vector<float> expected;
  for (size_t f = 0; f < form.batch; ++f) {
    frames.push_back(MakeFrame(form, 3 + f));
    const Tensor out = RunModel(Network(form), {FloatInput(form, frames.back())}).at(0);
    expected.insert(expected.end(), out.values<float>().begin(), out.values<float>().end());
  }
  const Model deployed = LoadOnnx(folder / "out.onnx").model;
  const Tensor out = RunModel(deployed, Feeds(form, deployed, frames)).at(0);
  EXPECT_GT(Sqnr(expected, Floats(deployed, out)), LeastSqnr(form));
  CheckStages(form, folder);
}

// One choice that a file makes, and what it can be. The first is that of a form that says nothing.
struct Axis {
  size_t count = 0;
  std::function<void(size_t choice, Form& form)> choose;
};

template <typename T>
Axis AxisOf(T Form::*member, std::vector<T> values) {
  const size_t count = values.size();
  return {count,
          [member, values = std::move(values)](size_t k, Form& form) { form.*member = values[k]; }};
}

const std::vector<std::string> kTypes = {"rgb", "bgr", "yuv444", "gray", "featuremap"};

const std::vector<Axis>& Axes() {
  static const std::vector<Axis> axes = {
      {kTypes.size() * 6,
       [](size_t k, Form& form) {
         form.train = kTypes[k / 6];
         form.rt = k % 6 == 0 ? "nv12" : kTypes[k % 6 - 1];
       }},
      AxisOf<std::string>(&Form::march,
                          {"nash-e", "bayes", "nash-m", "nash-b-lite", "nash-b", "nash-b-plus",
                           "nash-h", "nash-p", "nash-starry-p", "bernoulli2", "bayes-e"}),
      AxisOf<bool>(&Form::is_nhwc, {false, true}),
      AxisOf<std::string>(&Form::layout_rt, {"", "NHWC", "NCHW"}),
      AxisOf<std::string>(&Form::norm, {"", "mean", "scale", "std"}),
      AxisOf<std::string>(&Form::source, {"", "pyramid", "ddr", "resizer"}),
      {3,
       [](size_t k, Form& form) {
         form.batch = k == 0 ? 1 : 2;
         form.is_separate = k == 2;
       }},
      AxisOf<std::string>(&Form::removal, {"", "remove_node_type: Quantize;Dequantize",
                                           "remove_node_name: scores_Dequantize_0"}),
      AxisOf<std::string>(&Form::node_info, {"", "Conv_0:int16", "{Conv_1: {ON: CPU}}"}),
      AxisOf<std::string>(&Form::calibration, {"max", "default", "kl", "mix", "skip"}),
      AxisOf<std::string>(&Form::output, {"", "int8", "int16"}),
      AxisOf<bool>(&Form::is_video, {false, true}),
      AxisOf<bool>(&Form::folds, {false, true})};
  return axes;
}

// Choices by axis; those that are missing are open.
using Row = std::map<size_t, size_t>;
using Pair = std::pair<std::pair<size_t, size_t>, std::pair<size_t, size_t>>;

Form FormOf(const Row& row) {
  Form form;
  for (size_t axis = 0; axis < Axes().size(); ++axis) {
    const auto chosen = row.find(axis);
    Axes()[axis].choose(chosen == row.end() ? 0 : chosen->second, form);
  }
  return form;
}

std::string ReasonAgainst(const Row& row) {
  const Form form = FormOf(row);
  const std::vector<std::string> problems = ProblemsOf(FileOf(form));
  if (!problems.empty()) return problems[0];
  const bool is_one_picture = form.is_resizer() && !form.is_j5() && form.batch > 1;
  return is_one_picture && !form.is_separate ? "expected separate_batch" : "";
}

// With types that the two choices go with, where there are some.
std::optional<Row> Legal(Row row) {
  if (row.contains(0)) return ReasonAgainst(row).empty() ? std::optional(row) : std::nullopt;
  for (size_t types = 0; types < Axes()[0].count; ++types) {
    row[0] = types;
    if (ReasonAgainst(row).empty()) return row;
  }
  return std::nullopt;
}

std::vector<Pair> PairsOf(const Row& row) {
  std::vector<Pair> out;
  for (auto a = row.begin(); a != row.end(); ++a)
    for (auto b = std::next(a); b != row.end(); ++b) out.emplace_back(*a, *b);
  return out;
}

// More choices beside those of the row, those first whose pairs are still missing.
Row Extended(Row row, const std::set<Pair>& covered) {
  for (size_t axis = 0; axis < Axes().size(); ++axis) {
    if (row.contains(axis)) continue;
    Row best = row;
    size_t most = 0;
    for (size_t choice = 0; choice < Axes()[axis].count; ++choice) {
      Row longer = row;
      longer[axis] = choice;
      size_t missing = 0;
      for (const Pair& one : PairsOf(longer)) missing += covered.contains(one) ? 0 : 1;
      if (missing <= most || !ReasonAgainst(longer).empty()) continue;
      most = missing;
      best = std::move(longer);
    }
    row = std::move(best);
  }
  return row;
}

// Rules that a form can break; nothing else is refused.
void ExpectKnownReason(const std::string& reason) {
  const std::vector<std::string> rules = {
      "cannot be made from input_type_train", "bt601_video is for input_type_rt nv12 only",
      "is for images, ", "does not go with input_type_rt", "expected separate_batch"};
  EXPECT_TRUE(std::any_of(rules.begin(), rules.end(), [&](const auto& rule) {
    return reason.find(rule) != reason.npos;
  })) << reason;
}

TEST(CameraMatrixTest, AnyTwoChoicesRunOnRawBytesOrAreRefused) {
  std::set<Pair> covered;
  size_t ran = 0;
  size_t refused = 0;
  for (size_t a = 0; a < Axes().size(); ++a) {
    for (size_t b = a + 1; b < Axes().size(); ++b) {
      for (size_t k = 0; k < Axes()[a].count * Axes()[b].count; ++k) {
        const Row pair = {{a, k / Axes()[b].count}, {b, k % Axes()[b].count}};
        if (covered.contains(PairsOf(pair)[0])) continue;
        const std::optional<Row> legal = Legal(pair);
        if (!legal) {
          ExpectKnownReason(ReasonAgainst(pair));
          ++refused;
          continue;
        }
        const Row row = Extended(*legal, covered);
        for (const Pair& one : PairsOf(row)) covered.insert(one);
        const Form form = FormOf(row);
        SCOPED_TRACE(testing::PrintToString(form));
        ConvertAndRun(form);
        ++ran;
      }
    }
  }
  EXPECT_GE(ran, 12U * 11) << "of each march every legal pair of types";
  EXPECT_GT(refused, 100U);
}

TEST(CameraMatrixTest, ABatchFromTheResizerIsRefusedUnlessItIsApart) {
  const Form form{.march = "nash-e", .train = "rgb", .rt = "nv12", .source = "resizer", .batch = 2};
  EXPECT_THAT([&] { ConvertAndRun(form); },
              ThrowsError(ExitCode::kConfig, "takes one picture: expected separate_batch"));
}

TEST(CameraMatrixTest, TheJ5FloatFilesAreToldByTheirFolder) {
  Form form{.march = "bayes", .train = "rgb", .rt = "nv12", .norm = "scale"};
  const TempDir folder;
  folder.Write("model.onnx", SerializeModel(Network(form)));
  for (size_t seed = 0; seed < kSamples; ++seed) {
    std::string bytes;
    for (const double value : TrainPixels(form, MakeFrame(form, seed), false)) {
      const auto level = static_cast<float>(value);
      bytes.append(reinterpret_cast<const char*>(&level), sizeof(level));
    }
    folder.Write(fmt::format("cal_f32/{}", seed), bytes);
  }
  const LoadedConfig loaded = LoadText(FileOf(form));
  ConvertOptions options;
  options.model = folder / "model.onnx";
  options.output = folder / "out.onnx";
  options.config = loaded.config;
  options.effective_config = loaded.effective;
  options.calibration_folder = folder / "cal_f32";
  EXPECT_GT(Convert(options).outputs.at(0).sqnr_db(), 20);
  options.config.deployment.inputs[0].raw = RawElement::kUint8;  // four times the bytes
  EXPECT_NO_THROW(Convert(options)) << "four samples of bytes in a file";
}

TEST(CameraMatrixTest, OutputNodesEndTheModelAndAreWhatIsCompared) {
  const Form form{.march = "nash-e", .train = "rgb", .rt = "nv12"};
  std::string text = FileOf(form);
  text.insert(text.find("  march:"), "  output_nodes: Conv_0\n");
  const TempDir folder;
  folder.Write("model.onnx", SerializeModel(Network(form)));
  for (size_t seed = 0; seed < kSamples; ++seed) WriteSample(form, seed, folder);
  const LoadedConfig loaded = LoadText(text);
  ConvertOptions options;
  options.model = folder / "model.onnx";
  options.output = folder / "out.onnx";
  options.config = loaded.config;
  options.effective_config = loaded.effective;
  options.calibration_folder = folder / "cal";
  const ConversionReport report = Convert(options);
  ASSERT_EQ(report.outputs.size(), 1U);
  EXPECT_GT(report.outputs[0].sqnr_db(), 20);
  const Model deployed = LoadOnnx(folder / "out.onnx").model;
  ASSERT_EQ(deployed.graph.outputs.size(), 1U);
  EXPECT_EQ(deployed.graph.outputs[0].name, "c");
}

}  // namespace
}  // namespace qconvert
