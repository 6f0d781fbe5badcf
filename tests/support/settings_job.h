// Config files at work on the shipped example.
#ifndef QCONVERT_TESTS_SUPPORT_SETTINGS_JOB_H_
#define QCONVERT_TESTS_SUPPORT_SETTINGS_JOB_H_

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "support/project_folder.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {

inline const std::filesystem::path kDigits = ProjectFolder() / "examples/digits";

// Static int8 as a vendor's file would say it, with more.
inline std::string Static(const std::string& more, const std::string& target = "CPU") {
  return "target_device: " + target +
         "\nscheme: static\ninclude_cle: false\ninclude_bias_corr: false\n"
         "overall_quantize_config: {method: maxmin, round_mode: half_even, scale_type: float, "
         "calib_statistic_method: max}\n" +
         more;
}

// Static int8 with one scale per weight, and what more says.
inline std::string PerTensor(const std::string& more) {
  return "target_device: CPU\nscheme: static\n" + more +
         "overall_quantize_config: {method: maxmin, round_mode: half_even, scale_type: float, "
         "per_channel: false, calib_statistic_method: max}\n";
}

struct Result {
  ConversionReport report;
  Graph graph;

  std::vector<std::string> FloatNodes() const {
    std::vector<std::string> out;
    for (const auto& [kind, nodes] : report.float_reasons)
      out.insert(out.end(), nodes.begin(), nodes.end());
    std::sort(out.begin(), out.end());
    return out;
  }
  const Node* Find(const std::string& name) const {
    for (const Node& node : graph.nodes) {
      if (node.name == name) return &node;
    }
    return nullptr;
  }
  const Node& ProducerOf(const std::string& value) const {
    for (const Node& node : graph.nodes) {
      if (std::find(node.outputs.begin(), node.outputs.end(), value) != node.outputs.end())
        return node;
    }
    throw std::runtime_error("nobody writes " + value);
  }
};

// The shipped example, into out.onnx.
inline ConvertOptions OptionsOf(const LoadedConfig& loaded, const TempDir& folder) {
  ConvertOptions options;
  options.model = kDigits / "model.onnx";
  options.calibration_folder = kDigits / "calib";
  options.output = folder / "out.onnx";
  options.config = loaded.config;
  options.effective_config = loaded.effective;
  return options;
}

inline Result ConvertWith(const std::string& text, const TempDir& folder) {
  const LoadedConfig loaded = LoadText(text);
  ConvertOptions options = OptionsOf(loaded, folder);
  options.guard = GuardMode::kReport;
  Result result;
  result.report = Convert(options);
  result.graph = LoadOnnx(folder / "out.onnx").model.graph;
  return result;
}

inline std::string FailureWith(const std::string& text) {
  const TempDir folder;
  try {
    ConvertWith(text, folder);
  } catch (const ConfigError& e) {
    std::string all;
    for (const std::string& problem : e.problems()) all += problem + "\n";
    return all;
  }
  return "no problem";
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_SETTINGS_JOB_H_
