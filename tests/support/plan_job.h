// A conversion whose plan, quant_info.json, is applied again.
#ifndef QCONVERT_TESTS_SUPPORT_PLAN_JOB_H_
#define QCONVERT_TESTS_SUPPORT_PLAN_JOB_H_

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/base/sha256.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/project_folder.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {

inline const std::filesystem::path kDigitsExample = ProjectFolder() / "examples/digits";

// Six, of one input.
inline std::vector<std::vector<Tensor>> RandomSamples(const std::string& name,
                                                      const std::vector<int64_t>& dims) {
  std::vector<std::vector<Tensor>> out;
  for (uint32_t k = 0; k < 6; ++k) out.push_back({RandomTensor(name, dims, k + 1)});
  return out;
}

struct PlanFiles {
  std::string model;
  std::string data;  // external
  std::string info;
  ConversionReport report;
};

// A model, its samples, and the plans that are applied to it.
class PlanJob {
 public:
  PlanJob() {
    options.model = kDigitsExample / "model.onnx";
    options.calibration_folder = kDigitsExample / "calib";
  }
  PlanJob(const Model& model, const std::vector<std::vector<Tensor>>& samples) {
    options.model = folder_.Write("model.onnx", SerializeModel(model));
    options.calibration_folder = folder_ / "calib";
    for (size_t k = 0; k < samples.size(); ++k)
      for (const Tensor& x : samples[k])
        folder_.Write(fmt::format("calib/{}/{}.npy", x.name, k),
                      NpyFloats(x.dims, x.values<float>()));
  }

  void Configure(const std::string& text) {
    LoadedConfig loaded = LoadText(text);
    options.config = loaded.config;
    options.effective_config = loaded.effective;
    options.config_sha256 = Sha256Hex(text);
  }

  PlanFiles Write() const {
    const TempDir out;
    ConvertOptions mine = options;
    mine.output = out / "out.onnx";
    PlanFiles files{{}, {}, {}, Convert(mine)};
    files.model = Slurp(out / "out.onnx");
    files.info = Slurp(out / "out_quant_info.json");
    for (const auto& entry : std::filesystem::directory_iterator(out.path()))
      if (entry.path().filename().string().ends_with("data")) files.data = Slurp(entry.path());
    return files;
  }

  // By a plan; with the samples to compare on, or without.
  PlanFiles Apply(const std::string& text, bool compare = false) const {
    const PlanFile plan = ParsePlanFile(text, "p.json");
    PlanJob job;
    job.options = options;
    job.options.config = plan.config;
    job.options.effective_config = plan.effective;
    job.options.config_sha256.clear();
    job.options.plan = &plan;
    if (!compare) job.options.calibration_folder.clear();
    return job.Write();
  }

  // Every problem of a plan, a line each.
  std::string Problems(const std::string& text) const {
    try {
      Apply(text);
    } catch (const ConfigError& e) {
      std::string all;
      for (const std::string& problem : e.problems()) all += problem + "\n";
      return all;
    }
    return "no problem";
  }

  ConvertOptions options;

 private:
  TempDir folder_;
};

// Whether the plan of a conversion gives that conversion's files again; says what it wrote.
inline PlanFiles ExpectTheSameAgain(const PlanJob& job, const std::string& what) {
  PlanFiles first = job.Write();
  for (const bool compare : {false, true}) {
    if (compare && job.options.calibration_folder.empty()) continue;
    const PlanFiles again = job.Apply(first.info, compare);
    EXPECT_EQ(again.model == first.model, true) << what;
    EXPECT_EQ(again.data == first.data, true) << what;
    EXPECT_EQ(again.info, first.info) << what;
    EXPECT_EQ(again.report.integer_nodes, first.report.integer_nodes) << what;
    EXPECT_EQ(again.report.outputs.empty(), !compare) << what;
    EXPECT_EQ(again.report.guard.ran, compare && job.options.guard != GuardMode::kOff) << what;
  }
  return first;
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_PLAN_JOB_H_
