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
#include "support/camera_form.h"
#include "support/errors.h"
#include "support/graph_builder.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

constexpr size_t kSamples = 25;  // five are kept out

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
void AppendFeatures(CameraForm form, const Value& input, const Frame& frame, const Model& model,
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
void Append(const CameraForm& form, const Value& input, const Frame& frame, const Model& model,
            std::string& bytes) {
  const std::vector<Dim>& dims = *input.type.shape;
  if (input.name.ends_with("_roi")) {
    constexpr std::array<int32_t, 4> kAll = {0, 0, kCameraSide - 1, kCameraSide - 1};
    bytes.append(reinterpret_cast<const char*>(kAll.data()), sizeof(kAll));
  } else if (input.name.ends_with("_uv")) {
    for (size_t i = 0; i < kCameraPixels; ++i) {
      if (i / kCameraSide % 2 != 0 || i % 2 != 0) continue;
      bytes += {static_cast<char>(frame[1][i]), static_cast<char>(frame[2][i])};
    }
  } else if (!form.is_image()) {
    AppendFeatures(form, input, frame, model, bytes);
  } else {
    const bool is_plane = form.channels() == 1 || input.name.ends_with("_y");
    const size_t channels = is_plane ? 1 : 3;
    const int offset = input.type.element == DataType::kInt8 ? 128 : 0;
    const bool by_pixel = dims[3].value <= 3;
    for (size_t k = 0; k < channels * kCameraPixels; ++k) {
      const size_t c = by_pixel ? k % channels : k / kCameraPixels;
      const size_t i = by_pixel ? k / channels : k % kCameraPixels;
      bytes.push_back(static_cast<char>(frame[c][i] - offset));
    }
  }
}

std::vector<Tensor> Feeds(const CameraForm& form, const Model& model,
                          const std::vector<Frame>& frames) {
  std::vector<Tensor> feeds;
  for (const Value& input : model.graph.inputs) {
    Tensor tensor;
    tensor.name = input.name;
    tensor.type = input.type.element;
    for (const Dim& dim : *input.type.shape)
      tensor.dims.push_back(dim.known() ? dim.value : kCameraSide);
    if (form.is_resizer() && input.name.ends_with("_uv"))
      tensor.dims[1] = tensor.dims[2] = kCameraSide / 2;
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
double LeastSqnr(const CameraForm& form) {
  const bool is_normal = form.norm.starts_with("s") || !form.is_image();
  if (form.calibration == "kl") return is_normal ? 6 : -10;
  return form.calibration == "skip" ? 6 : 20;
}

// J5 stages take what the chip's loader makes, J6 stages what the float model takes.
void CheckStages(CameraForm form, const TempDir& folder) {
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

// Writes the network; samples are the caller's.
ConvertOptions JobOf(const CameraForm& form, const std::string& text, const TempDir& folder) {
  folder.Write("model.onnx", SerializeModel(Network(form)));
  const LoadedConfig loaded = LoadText(text);
  ConvertOptions options;
  options.model = folder / "model.onnx";
  options.output = folder / "out.onnx";
  options.config = loaded.config;
  options.effective_config = loaded.effective;
  return options;
}

void ConvertAndRun(const CameraForm& form) {
  const TempDir folder;
  for (size_t seed = 0; seed < kSamples; ++seed) WriteSample(form, seed, folder);
  ConvertOptions options = JobOf(form, FileOf(form), folder);
  options.write_stages = true;
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
  std::function<void(size_t choice, CameraForm& form)> choose;
};

template <typename T>
Axis AxisOf(T CameraForm::*member, std::vector<T> values) {
  const size_t count = values.size();
  return {count, [member, values = std::move(values)](size_t k, CameraForm& form) {
            form.*member = values[k];
          }};
}

const std::vector<std::string> kTypes = {"rgb", "bgr", "yuv444", "gray", "featuremap"};

const std::vector<Axis>& Axes() {
  static const std::vector<Axis> axes = {
      {kTypes.size() * 6,
       [](size_t k, CameraForm& form) {
         form.train = kTypes[k / 6];
         form.rt = k % 6 == 0 ? "nv12" : kTypes[k % 6 - 1];
       }},
      AxisOf<std::string>(&CameraForm::march,
                          {"nash-e", "bayes", "nash-m", "nash-b-lite", "nash-b", "nash-b-plus",
                           "nash-h", "nash-p", "nash-starry-p", "bernoulli2", "bayes-e"}),
      AxisOf<bool>(&CameraForm::is_nhwc, {false, true}),
      AxisOf<std::string>(&CameraForm::layout_rt, {"", "NHWC", "NCHW"}),
      AxisOf<std::string>(&CameraForm::norm, {"", "mean", "scale", "std"}),
      AxisOf<std::string>(&CameraForm::source, {"", "pyramid", "ddr", "resizer"}),
      {3,
       [](size_t k, CameraForm& form) {
         form.batch = k == 0 ? 1 : 2;
         form.is_separate = k == 2;
       }},
      AxisOf<std::string>(&CameraForm::removal, {"", "remove_node_type: Quantize;Dequantize",
                                                 "remove_node_name: scores_Dequantize_0"}),
      AxisOf<std::string>(&CameraForm::node_info, {"", "Conv_0:int16", "{Conv_1: {ON: CPU}}"}),
      AxisOf<std::string>(&CameraForm::calibration, {"max", "default", "kl", "mix", "skip"}),
      AxisOf<std::string>(&CameraForm::output, {"", "int8", "int16"}),
      AxisOf<bool>(&CameraForm::is_video, {false, true}),
      AxisOf<bool>(&CameraForm::folds, {false, true})};
  return axes;
}

// Choices by axis; those that are missing are open.
using Row = std::map<size_t, size_t>;
using Pair = std::pair<std::pair<size_t, size_t>, std::pair<size_t, size_t>>;

CameraForm FormOf(const Row& row) {
  CameraForm form;
  for (size_t axis = 0; axis < Axes().size(); ++axis) {
    const auto chosen = row.find(axis);
    Axes()[axis].choose(chosen == row.end() ? 0 : chosen->second, form);
  }
  return form;
}

std::string ReasonAgainst(const Row& row) {
  const CameraForm form = FormOf(row);
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
        const CameraForm form = FormOf(row);
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
  const CameraForm form{
      .march = "nash-e", .train = "rgb", .rt = "nv12", .source = "resizer", .batch = 2};
  EXPECT_THAT([&] { ConvertAndRun(form); },
              ThrowsError(ExitCode::kConfig, "takes one picture: expected separate_batch"));
}

TEST(CameraMatrixTest, TheJ5FloatFilesAreToldByTheirFolder) {
  CameraForm form{.march = "bayes", .train = "rgb", .rt = "nv12", .norm = "scale"};
  const TempDir folder;
  for (size_t seed = 0; seed < kSamples; ++seed) {
    std::string bytes;
    for (const double value : TrainPixels(form, MakeFrame(form, seed), false)) {
      const auto level = static_cast<float>(value);
      bytes.append(reinterpret_cast<const char*>(&level), sizeof(level));
    }
    folder.Write(fmt::format("cal_f32/{}", seed), bytes);
  }
  ConvertOptions options = JobOf(form, FileOf(form), folder);
  options.calibration_folder = folder / "cal_f32";
  EXPECT_GT(Convert(options).outputs.at(0).sqnr_db(), 20);
  options.config.deployment.inputs[0].raw = RawElement::kUint8;  // four times the bytes
  EXPECT_NO_THROW(Convert(options)) << "four samples of bytes in a file";
}

TEST(CameraMatrixTest, OutputNodesEndTheModelAndAreWhatIsCompared) {
  const CameraForm form{.march = "nash-e", .train = "rgb", .rt = "nv12"};
  std::string text = FileOf(form);
  text.insert(text.find("  march:"), "  output_nodes: Conv_0\n");
  const TempDir folder;
  for (size_t seed = 0; seed < kSamples; ++seed) WriteSample(form, seed, folder);
  ConvertOptions options = JobOf(form, text, folder);
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
