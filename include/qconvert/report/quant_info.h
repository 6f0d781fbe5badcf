// quant_info.json: the plan as a file. docs/quant_info.md describes it, config/plan_file.h reads
// it.
#ifndef QCONVERT_REPORT_QUANT_INFO_H_
#define QCONVERT_REPORT_QUANT_INFO_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "qconvert/config/plan_file.h"
#include "qconvert/config/quant_config.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qconvert/report/conversion_report.h"

namespace qconvert {

// The key of the model's metadata that holds the SHA-256 of its quant_info.
inline constexpr const char* kQuantInfoSeal = "qconvert.quant_info_sha256";

// Provenance that goes into quant_info.json and the model's metadata.
struct Provenance {
  std::string tool;    // "qconvert 0.1.0"
  std::string engine;  // "onnxruntime 1.28.0"
  std::string model_sha256;
  std::string config_sha256;
  std::string data_sha256;
  // ProcessorInfo::Kind of what learned; empty where plan/is_learned.h says that nothing is
  // learned.
  std::string processor_kind;

  bool operator==(const Provenance&) const = default;
};

// What the file says besides the plan.
struct PlanHistory {
  Provenance provenance;
  int64_t samples = 0;  // calibrated on
  std::string scheme;
  std::string scheme_reason;
  GuardReport guard;
  Gate gate;
  // What the prepared graph follows from: passes with the opset that came out, deployment.
  QuantConfig config;
  std::map<std::string, std::vector<int>> spread;      // transform/spread_channels.h
  std::map<std::string, std::vector<float>> absorbed;  // transform/absorb_biases.h
  std::vector<FileNoise> noise;                        // by entry of `nodes`; empty: not measured
};

// Shifts by value.
std::map<std::string, std::vector<int>> SpreadOf(const PlanFile& file);

// That of the conversion that wrote `file`.
PlanHistory HistoryOf(const PlanFile& file);

// Everything that ReadPlan and FillGivenCodes need to make `plan` again, an entry per line. `graph`
// is the prepared one. Never a time or a path.
std::string QuantInfoJson(const Graph& graph, const QuantizationPlan& plan,
                          const PlanHistory& history);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_QUANT_INFO_H_
