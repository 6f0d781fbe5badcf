// Every form of a camera file: each makes a model that runs on raw bytes as the float model does on
// what these bytes mean, or is refused with the rule that it breaks.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
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
  std::string norm;  // "", scale or std
  bool is_resizer = false;
  size_t batch = 1;
  bool is_separate = false;
  bool removes = false;
  std::string node_info;
  std::string calibration = "max";
  std::string output;  // "", int8 or int16
  bool is_video = false;
  bool folds = false;

  bool is_j5() const { return march == "bayes"; }
  bool is_yuv() const { return rt == "nv12" || rt == "yuv444"; }
  bool is_image() const { return rt != "featuremap"; }
  size_t channels() const { return train == "gray" ? 1 : 3; }
};

void PrintTo(const Form& form, std::ostream* out) {
  *out << fmt::format(
      "{} {} -> {}, {}, norm '{}', resizer {}, batch {} (apart {}), removal {}, '{}', {}, "
      "output '{}', video {}, folds {}",
      form.march, form.train, form.rt, form.is_nhwc ? "NHWC" : "NCHW", form.norm, form.is_resizer,
      form.batch, form.is_separate, form.removes, form.node_info, form.calibration, form.output,
      form.is_video, form.folds);
}

std::string Numbers(const std::array<double, 3>& numbers, size_t count, bool invert) {
  std::vector<double> shown(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(count));
  for (double& number : shown) number = invert ? 1 / number : number;
  return fmt::format("{}", fmt::join(shown, " "));
}

std::string FileOf(const Form& form) {
  std::string text =
      fmt::format("model_parameters:\n  onnx_model: model.onnx\n  march: {}\n", form.march);
  if (form.removes) text += "  remove_node_type: Quantize;Dequantize\n";
  if (!form.node_info.empty()) text += "  node_info: " + form.node_info + "\n";
  text += fmt::format(
      "input_parameters:\n  input_name: image\n  input_type_rt: {}\n  input_type_train: {}\n"
      "  input_layout_train: {}\n",
      form.rt, form.train, form.is_nhwc ? "NHWC" : "NCHW");
  if (!form.norm.empty()) {
    text += "  mean_value: " + Numbers(kMean, form.channels(), false) + "\n";
    text += fmt::format("  {}_value: {}\n", form.norm,
                        Numbers(kScale, form.channels(), form.norm == "std"));
  }
  if (form.is_video) text += "  input_space_and_range: bt601_video\n";
  if (form.folds) text += "  fold_normalization: true\n";
  if (form.batch > 1) text += fmt::format("  input_batch: {}\n", form.batch);
  if (form.is_separate) text += "  separate_batch: True\n";
  text += fmt::format("calibration_parameters:\n  cal_data_dir: cal\n  calibration_type: {}\n",
                      form.calibration);
  if (!form.output.empty()) text += "  optimization: set_model_output_" + form.output + "\n";
  if (form.is_resizer) text += "compiler_parameters:\n  input_source: {image: resizer}\n";
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
    const size_t block = is_chroma ? (form.is_resizer ? kSide : 2) : 1;
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
    const double y = 1.164383 * (p[0] - 16);
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
      const double value = normalize && !form.norm.empty() ? (pixel[c] - kMean[c]) * kScale[c]
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

// What one input of the deployed model holds of one frame.
void Append(const Form& form, const Value& input, const Frame& frame, std::string& bytes) {
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
    bytes += *FloatInput(form, frame).bytes;
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

std::vector<Tensor> Feeds(const Form& form, const Graph& graph, const std::vector<Frame>& frames) {
  std::vector<Tensor> feeds;
  for (const Value& input : graph.inputs) {
    Tensor tensor;
    tensor.name = input.name;
    tensor.type = input.type.element;
    for (const Dim& dim : *input.type.shape) tensor.dims.push_back(dim.known() ? dim.value : kSide);
    if (form.is_resizer && input.name.ends_with("_uv")) tensor.dims[1] = tensor.dims[2] = kSide / 2;
    std::string bytes;
    for (size_t f = 0; f < frames.size(); ++f) {
      const bool is_mine = !form.is_separate || input.name.starts_with(fmt::format("image_{}", f));
      if (is_mine) Append(form, input, frames[f], bytes);
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
  for (const auto& [key, text] : model.metadata) {
    if (!key.starts_with("qconvert.removed.") || !text.starts_with("DequantizeLinear")) continue;
    const float scale = std::stof(text.substr(text.find("scale ") + 6));
    const size_t zero = text.find("zero point ");
    const int zero_point = zero == std::string::npos ? 0 : std::stoi(text.substr(zero + 11));
    std::vector<float> out;
    if (output.type == DataType::kInt8) {
      for (const int8_t code : output.values<int8_t>())
        out.push_back(static_cast<float>(code - zero_point) * scale);
    } else {
      for (const int16_t code : output.values<int16_t>())
        out.push_back(static_cast<float>(code - zero_point) * scale);
    }
    return out;
  }
  ADD_FAILURE() << "an output of codes without its scale";
  return {};
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
    // The float model of a fold takes what is left to be normalized.
    const bool is_folded = form.folds && std::string_view(stage) != "original_float";
    if (is_float && is_folded) continue;
    const Tensor out = is_float ? RunModel(model, {input}).at(0)
                                : RunModel(model, Feeds(form, model.graph, {frame})).at(0);
    const bool is_exact = std::string_view(stage).ends_with("_float");
    const bool is_rough = form.calibration == "skip" || form.calibration == "kl";
    EXPECT_GT(Sqnr({expected.values<float>().begin(), expected.values<float>().end()},
                   {out.values<float>().begin(), out.values<float>().end()}),
              is_exact   ? 80
              : is_rough ? 6
                         : 20);
  }
}

void ConvertAndRun(const Form& form) {
  const TempDir folder;
  folder.Write("model.onnx", SerializeModel(Network(form)));
  for (size_t seed = 0; seed < kSamples; ++seed) WriteSample(form, seed, folder);
  const LoadedConfig loaded = LoadText(FileOf(form));
  ASSERT_THAT(loaded.unimplemented, testing::IsEmpty());
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
  const Tensor out = RunModel(deployed, Feeds(form, deployed.graph, frames)).at(0);
  // Ranges of random data and of few values cut by kl are not those of the frames.
  const bool is_rough = form.calibration == "skip" || form.calibration == "kl";
  EXPECT_GT(Sqnr(expected, Floats(deployed, out)), is_rough ? 6 : 20);
  CheckStages(form, folder);
}

// All pairs, layouts and norms of a march; the rest takes turns with numbers that share no factor,
// so that every value meets every other.
std::vector<Form> Forms(const std::string& march, const std::string& train, const std::string& rt) {
  static size_t turn = 0;
  const bool is_camera = rt == "nv12" || rt == "gray";
  std::vector<Form> forms;
  for (const bool is_nhwc : {false, true}) {
    for (const char* norm : {"", "scale", "std"}) {
      Form form{.march = march, .train = train, .rt = rt, .is_nhwc = is_nhwc, .norm = norm};
      if (!form.is_image() && !form.norm.empty()) continue;
      ++turn;
      form.is_resizer = is_camera && turn % 2 == 0;
      form.batch = turn % 3 == 0 ? 2 : 1;
      form.is_separate = form.batch > 1 && (form.is_resizer || turn % 4 < 2);
      form.removes = form.is_image() && turn % 5 == 0;  // else the input would be codes
      form.node_info = turn % 7 == 0 ? "Conv_0:int16" : turn % 7 == 3 ? "{Conv_1: {ON: CPU}}" : "";
      form.calibration = std::array{"max", "default", "kl", "skip"}[turn % 11 % 4];
      // kl cuts most of so few values that all lie far from 0.
      if (form.calibration == "kl" && form.norm.empty()) form.calibration = "max";
      form.output = std::array{"", "int8", "", "int16"}[turn % 13 % 4];
      form.is_video = rt == "nv12" && turn % 4 == 1;
      form.folds = !form.norm.empty() && turn % 3 == 1;
      forms.push_back(form);
    }
  }
  return forms;
}

TEST(CameraMatrixTest, EveryLegalFormRunsOnRawBytesAndEveryOtherIsRefused) {
  size_t ran = 0;
  for (const char* march : {"nash-e", "bayes"}) {
    for (const char* train : {"rgb", "bgr", "yuv444", "gray", "featuremap"}) {
      for (const char* rt : {"nv12", "yuv444", "rgb", "bgr", "gray", "featuremap"}) {
        const Form plain{.march = march, .train = train, .rt = rt};
        const std::vector<std::string> problems = ProblemsOf(FileOf(plain));
        if (!problems.empty()) {
          EXPECT_TRUE(AnyHolds(problems, "cannot be made from input_type_train")) << problems[0];
          continue;
        }
        for (const Form& form : Forms(march, train, rt)) {
          SCOPED_TRACE(testing::PrintToString(form));
          ConvertAndRun(form);
          ++ran;
        }
      }
    }
  }
  EXPECT_EQ(ran, 2U * (11 * 6 + 2)) << "eleven pairs of images, and featuremaps without a norm";
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
  ASSERT_THAT(loaded.unimplemented, testing::IsEmpty());
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
