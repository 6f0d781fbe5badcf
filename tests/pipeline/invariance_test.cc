// Trained models: one table and one exported file, whatever workers, order of samples, shards and
// interruptions, for every method. tests/tools/invariance_test.sh does the same and more on the
// shipped example.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "qconvert/base/file.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/project_folder.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

const std::filesystem::path kModels = ProjectFolder() / "../shared/data/models";
constexpr size_t kSamples = 5;

// What is seen of a value: the methods of one kind read the same table.
enum class Seen { kHistograms, kAverages, kWindows, kBatches };

struct Method {
  const char* settings;
  Seen seen = Seen::kHistograms;
  Effort effort = Effort::kFast;  // what is measured besides is the same for all of them
};
constexpr Method kMethods[] = {
    {"activation: {method: maxmin}"},
    {"activation: {method: percentile, percentage: 99.9999}"},
    {"activation: {method: entropy}"},
    {"activation: {method: mse}"},
    {"activation: {method: auto}", Seen::kHistograms, Effort::kNormal},
    {"activation: {method: diffs, scale_type: poweroftwo, symmetry: true, signed: true}"},
    {"activation: {method: moving_average_abs_max}", Seen::kAverages, Effort::kNormal},
    {"activation: {method: range_abs_max, window_size: 2}", Seen::kWindows},
    {"activation: {method: percentile, calib_statistic_method: median}", Seen::kBatches},
};

QuantConfig ConfigOf(const Method& method) {
  LoadedConfig loaded = LoadText(
      "target_device: CPU\nscheme: static\nextensions: true\ninclude_cle: false\n"
      "include_bias_corr: false\noverall_quantize_config: {method: maxmin, round_mode: half_even, "
      "scale_type: float, calib_statistic_method: all}\ntensor_quantize_config: {" +
      std::string(method.settings) + ", weights: {per_channel: true}}\n");
  loaded.config.calibration.batch_size = method.seen == Seen::kBatches ? 2 : 1;
  loaded.config.effort = method.effort;
  return loaded.config;
}

class InvarianceTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(Model())) GTEST_SKIP() << "no " << Model();
    WriteSamples();
  }

  static std::filesystem::path Model() { return kModels / GetParam() / "model.onnx"; }

  // A real input, louder and softer: under names in order, and under others.
  void WriteSamples() {
    const Graph graph = LoadOnnx(Model()).model.graph;
    const auto input = std::find_if(graph.inputs.begin(), graph.inputs.end(), [&](const Value& v) {
      return graph.FindInitializer(v.name) == nullptr;
    });
    const TempDir first;
    std::filesystem::copy(kModels / GetParam() / "sample/0_in0.npy", first / "x.npy");
    const Tensor x = OpenSamples(first.path(), {*input}, {}).Read(0).inputs[0];
    for (size_t k = 0; k < kSamples; ++k) {
      std::vector<float> values = ToFloats(x);
      for (float& v : values) v *= 0.3F + 0.2F * static_cast<float>(k);
      const std::string bytes = NpyFloats(x.dims, values);
      ordered_.Write(fmt::format("{}.npy", k), bytes);
      shuffled_.Write(fmt::format("{}.npy", (3 * k + 2) % kSamples), bytes);
    }
  }

  // The bytes of the exported file.
  std::string Export(const QuantConfig& config, const TempDir& samples, int workers,
                     const std::filesystem::path& table = {}) {
    const TempDir folder;
    ConvertOptions options;
    options.model = Model();
    options.output = folder / "out.onnx";
    options.calibration_folder = samples.path();
    options.table = table;
    options.config = config;
    options.workers = workers;
    options.guard = GuardMode::kOff;
    Convert(options);
    return ReadFile(options.output);
  }

  CalibrateOptions Calibration(const QuantConfig& config, const TempDir& folder, size_t shard,
                               size_t shards) {
    return {.model = Model(),
            .output = folder / fmt::format("{}_of_{}.json", shard, shards),
            .calibration_folder = ordered_.path(),
            .workers = 1,
            .configs = {{config, {}, {}}},
            .shard = {shard, shards},
            .checkpoint_seconds = 0};
  }

  // Tables of shards, the first of which is interrupted.
  void WriteMerged(const QuantConfig& config, const TempDir& folder, size_t shards) {
    struct Interruption {};
    std::vector<std::filesystem::path> tables;
    for (size_t i = 0; i < shards; ++i) {
      CalibrateOptions options = Calibration(config, folder, i, shards);
      options.progress = [&](size_t done, size_t /*total*/) {
        if (i == 0 && done == 2) throw Interruption();
      };
      try {
        WriteCalibrationTable(options);
      } catch (const Interruption&) {
        options.progress = {};
        WriteCalibrationTable(options);
      }
      tables.push_back(options.output);
    }
    MergeCalibrationTables(tables, folder / "merged.json");
  }

  // Of shards, and the same as that of one run with more workers: once for all methods of a kind.
  std::filesystem::path Table(const Method& method, const QuantConfig& config) {
    const TempDir& folder = tables_[method.seen];
    const std::filesystem::path merged = folder / "merged.json";
    if (std::filesystem::exists(merged)) return merged;
    WriteMerged(config, folder, 2);
    CalibrateOptions whole = Calibration(config, folder, 0, 1);
    whole.calibration_folder = Others(method).path();
    whole.workers = 3;
    WriteCalibrationTable(whole);
    EXPECT_TRUE(ReadFile(whole.output) == ReadFile(merged)) << method.settings << ", the table";
    return merged;
  }

  // Of samples whose order says nothing to the method.
  const TempDir& Others(const Method& method) const {
    return method.seen == Seen::kHistograms ? shuffled_ : ordered_;
  }

  TempDir ordered_;
  TempDir shuffled_;
  std::map<Seen, TempDir> tables_;
};

TEST_P(InvarianceTest, OneFileForEveryMethod) {
  for (const Method& method : kMethods) {
    const QuantConfig config = ConfigOf(method);
    const std::string one = Export(config, ordered_, 1);
    EXPECT_TRUE(Export(config, Others(method), 3, Table(method, config)) == one) << method.settings;
  }
}

INSTANTIATE_TEST_SUITE_P(Trained, InvarianceTest,
                         testing::Values("resnet20_cifar10", "squeezenet11_imagenet",
                                         "kwt1_transformer", "ultraface_rfb_320"),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace qconvert
