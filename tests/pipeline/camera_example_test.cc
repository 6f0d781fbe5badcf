// The camera example, whole: from pictures to a model that names what raw NV12 frames show.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "qconvert/config/read_config.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/runtime/ort_session.h"
#include "support/graph_builder.h"
#include "support/project_folder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

const std::filesystem::path kExample = ProjectFolder() / "examples/camera";
constexpr int64_t kHeight = 48;
constexpr int64_t kWidth = 80;
constexpr size_t kFrames = 64;

std::vector<int> Labels() {
  std::ifstream file(kExample / "labels.txt");
  std::vector<int> labels;
  for (int label = 0; file >> label;) labels.push_back(label);
  return labels;
}

struct Frame {
  std::string y;
  std::string uv;
};

Frame ReadFrame(size_t k) {
  const std::string name = fmt::format("{:02}.bin", k);
  return {Slurp(kExample / "frames/image_y" / name), Slurp(kExample / "frames/image_uv" / name)};
}

Tensor Bytes(const std::string& name, DataType type, std::vector<int64_t> dims,
             const std::string& bytes) {
  return MakeTensor<char>(name, type, std::move(dims),
                          std::vector<char>(bytes.begin(), bytes.end()));
}

std::vector<Tensor> ForJ6(const Frame& frame) {
  return {Bytes("image_y", DataType::kUint8, {1, kHeight, kWidth, 1}, frame.y),
          Bytes("image_uv", DataType::kUint8, {1, kHeight / 2, kWidth / 2, 2}, frame.uv)};
}

// What the chip's loader makes: three planes, chroma repeated, minus 128.
std::vector<Tensor> ForJ5(const Frame& frame) {
  std::string planes;
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t i = 0; i < kHeight * kWidth; ++i) {
      const int64_t block = i / kWidth / 2 * (kWidth / 2) + i % kWidth / 2;
      const char level = c == 0 ? frame.y[static_cast<size_t>(i)]
                                : frame.uv[static_cast<size_t>(2 * block + c - 1)];
      planes += static_cast<char>(static_cast<unsigned char>(level) - 128);
    }
  }
  return {Bytes("image", DataType::kInt8, {1, 3, kHeight, kWidth}, planes)};
}

struct Outcome {
  size_t right = 0;
  size_t agreed = 0;  // with the float model on the same colors
};

// The float model, fed in double precision.
Tensor ForFloat(const Frame& frame) {
  constexpr std::array<double, 3> kMean = {123.675, 116.28, 103.53};
  constexpr std::array<double, 3> kStd = {58.395, 57.12, 57.375};
  std::vector<float> values(3 * kHeight * kWidth);
  for (int64_t i = 0; i < kHeight * kWidth; ++i) {
    const auto block = static_cast<size_t>(i / kWidth / 2 * (kWidth / 2) + i % kWidth / 2);
    const double y = static_cast<uint8_t>(frame.y[static_cast<size_t>(i)]);
    const double u = static_cast<uint8_t>(frame.uv[2 * block]) - 128.0;
    const double v = static_cast<uint8_t>(frame.uv[2 * block + 1]) - 128.0;
    const std::array<double, 3> rgb = {y + 1.402 * v, y - 0.344136 * u - 0.714136 * v,
                                       y + 1.772 * u};
    for (size_t c = 0; c < 3; ++c) {
      values[c * kHeight * kWidth + static_cast<size_t>(i)] =
          static_cast<float>((rgb[c] - kMean[c]) / kStd[c]);
    }
  }
  return MakeFloatTensor("image", {1, 3, kHeight, kWidth}, values);
}

size_t Class(const Tensor& scores) {
  const auto values = scores.values<float>();
  return static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

using Feed = std::vector<Tensor> (*)(const Frame&);

Outcome Convert(const std::string& settings, Feed feed) {
  const TempDir folder;
  LoadedConfig loaded = ReadConfig(kExample / settings, {});
  ConvertOptions options;
  options.model = loaded.config.deployment.model;
  options.output = folder / "camera.onnx";
  options.first_picture = folder / "first.png";
  options.strict_data = true;
  options.config = std::move(loaded.config);
  options.effective_config = std::move(loaded.effective);
  const ConversionReport report = qconvert::Convert(options);
  EXPECT_GT(report.integer_nodes, 5U);
  EXPECT_GT(Slurp(options.first_picture).size(), 1000U);
  const std::vector<int> labels = Labels();
  const Model deployed = LoadOnnx(options.output).model;
  const auto session = OpenOrtSession(SerializeModel(deployed), "deployed", {});
  const auto original = OpenOrtSession(Slurp(options.model), "float", {});
  Outcome outcome;
  for (size_t k = 0; k < kFrames; ++k) {
    const Frame frame = ReadFrame(k);
    const size_t named = Class(session->Run(feed(frame), nullptr).at(0));
    outcome.right += named == static_cast<size_t>(labels.at(k)) ? 1 : 0;
    outcome.agreed +=
        named == Class(original->Run(std::vector{ForFloat(frame)}, nullptr).at(0)) ? 1 : 0;
  }
  return outcome;
}

TEST(CameraExampleTest, NamesWhatRawFramesShowInBothGenerations) {
  for (const auto& [settings, feed] :
       {std::pair<const char*, Feed>{"j6.yaml", ForJ6}, {"j5.yaml", ForJ5}}) {
    const Outcome outcome = Convert(settings, feed);
    EXPECT_GE(outcome.agreed, kFrames - 2) << settings;
    EXPECT_GE(outcome.right, kFrames * 9 / 10) << settings;
  }
}

// The net tells warm from cool: colors that are swapped on the way cannot go unnoticed.
TEST(CameraExampleTest, SwappedChromaIsNotTheSame) {
  const auto swapped = [](const Frame& frame) {
    Frame other = frame;
    for (size_t k = 0; k + 1 < other.uv.size(); k += 2) std::swap(other.uv[k], other.uv[k + 1]);
    return ForJ6(other);
  };
  EXPECT_LT(Convert("j6.yaml", swapped).right, kFrames / 2);
}

}  // namespace
}  // namespace qconvert
