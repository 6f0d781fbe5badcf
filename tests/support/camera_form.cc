#include "support/camera_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <utility>

#include "support/graph_builder.h"
#include "support/npy.h"

namespace qconvert {
namespace {

constexpr std::array<double, 3> kMean = {123.675, 116.28, 103.53};
constexpr std::array<double, 3> kScale = {0.01712475, 0.017507, 0.01742919};

std::string Numbers(const std::array<double, 3>& numbers, size_t count, bool invert) {
  std::vector<double> shown(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(count));
  for (double& number : shown) number = invert ? 1 / number : number;
  return fmt::format("{}", fmt::join(shown, " "));
}

// In the training domain, from the definitions.
std::array<double, 3> TrainPixel(const CameraForm& form, const Frame& frame, size_t i) {
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

}  // namespace

void PrintTo(const CameraForm& form, std::ostream* out) {
  *out << fmt::format(
      "{} {} -> {}, {}, layout_rt '{}', norm '{}', source '{}', batch {} (apart {}), '{}', '{}', "
      "{}, "
      "output '{}', video {}, folds {}",
      form.march, form.train, form.rt, form.is_nhwc ? "NHWC" : "NCHW", form.layout_rt, form.norm,
      form.source, form.batch, form.is_separate, form.removal, form.node_info, form.calibration,
      form.output, form.is_video, form.folds);
}

std::string FileOf(const CameraForm& form) {
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

Model Network(const CameraForm& form) {
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
Frame MakeFrame(const CameraForm& form, size_t seed) {
  Frame frame;
  for (size_t c = 0; c < 3; ++c) {
    const bool is_chroma = form.is_yuv() && c > 0;
    // A resizer blends chroma between blocks; the frame is then the same everywhere.
    const size_t block = is_chroma ? (form.is_resizer() ? kCameraSide : 2) : 1;
    for (size_t i = 0; i < kCameraPixels; ++i) {
      const auto row = static_cast<double>(i / kCameraSide / block);
      const auto column = static_cast<double>(i % kCameraSide / block);
      const double wave = std::sin(0.9 * row + 0.4 * column + 2.0 * static_cast<double>(c) +
                                   1.3 * static_cast<double>(seed));
      frame[c][i] = static_cast<uint8_t>(std::lround(120 + (is_chroma ? 30 : 60) * wave));
    }
  }
  return frame;
}

std::vector<double> TrainPixels(const CameraForm& form, const Frame& frame, bool normalize) {
  std::vector<double> out(form.channels() * kCameraPixels);
  for (size_t i = 0; i < kCameraPixels; ++i) {
    const std::array<double, 3> pixel = TrainPixel(form, frame, i);
    for (size_t c = 0; c < form.channels(); ++c) {
      const double scale = form.norm == "mean" ? 1 : kScale[c];
      const double value = normalize && !form.norm.empty() ? (pixel[c] - kMean[c]) * scale
                           : form.is_image()               ? pixel[c]
                                                           : (pixel[c] - 120) / 60;
      out[form.is_nhwc ? i * form.channels() + c : c * kCameraPixels + i] = value;
    }
  }
  return out;
}

Tensor FloatInput(const CameraForm& form, const Frame& frame) {
  std::vector<float> values;
  for (const double value : TrainPixels(form, frame, true))
    values.push_back(static_cast<float>(value));
  const auto channels = static_cast<int64_t>(form.channels());
  const std::vector<int64_t> dims = form.is_nhwc ? std::vector<int64_t>{1, 8, 8, channels}
                                                 : std::vector<int64_t>{1, channels, 8, 8};
  return MakeFloatTensor("image", dims, values);
}

void WriteSample(const CameraForm& form, size_t seed, const TempDir& folder) {
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

}  // namespace qconvert
