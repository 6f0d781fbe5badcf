// write_models DIR SAMPLES: the networks of models.h as files, with random samples, for
// tools/benchmark.sh.
//
//   DIR/<name>/model.onnx, DIR/<name>/calib/0000.npy ...
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "models.h"
#include "qconvert/base/file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "support/graph_builder.h"
#include "support/npy.h"

namespace qconvert {
namespace {

void WriteModels(const std::filesystem::path& folder, uint32_t samples) {
  const std::pair<const char*, Model (*)()> models[] = {
      {"mobilenet_v2", MobileNetV2}, {"resnet50", ResNet50}, {"vit", VisionTransformer}};
  for (const auto& [name, make] : models) {
    std::filesystem::create_directories(folder / name / "calib");
    WriteFile(folder / name / "model.onnx", SerializeModel(make()));
    for (uint32_t i = 0; i < samples; ++i) {
      const Tensor x = RandomTensor("x", {1, 3, 224, 224}, i);
      WriteFile(folder / name / "calib" / fmt::format("{:04}.npy", i),
                NpyFloats(x.dims, x.values<float>()));
    }
  }
}

}  // namespace
}  // namespace qconvert

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: write_models DIR SAMPLES\n", stderr);
    return 2;
  }
  qconvert::WriteModels(argv[1], static_cast<uint32_t>(std::atoi(argv[2])));
  return 0;
}
