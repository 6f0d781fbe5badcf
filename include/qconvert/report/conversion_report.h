// What a conversion did, as data, as a short table, and as JSON.
#ifndef QCONVERT_REPORT_CONVERSION_REPORT_H_
#define QCONVERT_REPORT_CONVERSION_REPORT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/plan/plan.h"
#include "qconvert/report/stage_tables.h"
#include "qconvert/report/trial.h"
#include "qconvert/report/verdict.h"

namespace qconvert {

// What the guard changed of a plan, and what for. Noise is that of a typical sample at the worst
// output.
struct RepairStep {
  std::string what;  // "back to float"
  std::string of;    // what there are `count` of, singular: "node"
  size_t count = 0;
  double time = 0;  // given for it, of the estimated float time
  double noise_before = 0;
  double noise_after = 0;
};

// What the guard found.
struct GuardReport {
  bool ran = false;
  bool passed = true;
  int measurements = 0;
  std::vector<std::string> kept_float;  // nodes
  std::vector<std::string> kept_wide;   // weights in more bits
  size_t float_weights = 0;             // of these: so many in float32
  std::vector<RepairStep> steps = {};   // in the order taken
};

// TypicalNoise that is left by rounding weights alone, and by rounding values alone.
struct NoiseParts {
  double weights = 0;
  double values = 0;
};

// A correction of weights or biases that was tried.
struct CorrectionReport {
  std::string name;
  std::string of = "layers";  // what is corrected
  size_t layers = 0;          // how many of these
  // TypicalNoise before and after, on the samples that the guard judges by; 0: not measured.
  double noise_before = 0;
  double noise_after = 0;
  bool kept = false;
  bool fits_weights = false;  // codes were fitted to samples, and not biases or ranges alone
  std::string remark = {};    // on what was done; empty: none
};

struct ConversionReport {
  std::string input;  // as the user named them
  std::string output;
  bool float_only = false;
  int64_t float_bytes = 0;
  int64_t quantized_bytes = 0;
  size_t samples = 0;           // used for calibration
  size_t compared_samples = 0;  // used for the comparison
  std::string compared_on;      // which those are
  // The samples compared calibrate the file too: `outputs` are those of before, where the file's
  // are better. Else they are the file's.
  bool told_before = false;
  bool simulated = false;  // integers ran as Q, float kernel, DQ: the file is for another device
  std::vector<std::string> random_nodes;
  std::vector<OutputComparison> outputs;
  std::vector<std::string> sample_names;  // in the order compared
  Gate gate;                              // what the outputs are judged by
  size_t integer_nodes = 0;
  size_t fused_nodes = 0;
  size_t float_nodes = 0;
  size_t dynamic_nodes = 0;   // float for the plan, with activations quantized at run time
  size_t stored_weights = 0;  // weights of float nodes that are stored in 16 bit or fewer
  std::string scheme;         // "static", "dynamic", "weight-only"
  std::string scheme_reason;
  std::optional<NoiseParts> noise_parts;  // where corrections were thought of
  std::vector<CorrectionReport> corrections;
  GuardReport guard;
  // Why nodes stayed float: (operator, reason) -> names of the nodes.
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> float_reasons;
  std::vector<StageNode> stage_nodes;  // where stages are written: a row by node
  std::vector<std::string> warnings;
  std::vector<Trial> trials;       // of --auto
  std::vector<std::string> files;  // that were written; printed, as the user named their folder
  std::vector<std::pair<std::string, double>>
      seconds;  // by stage; printed, never written to a file
};

// Fills the node counts and reasons from a plan; nodes in bodies go by the way to them.
void CountNodes(const Graph& graph, const Placement& placement, ConversionReport& report);

// The table for people; behind it those of Horizon's tools where stages are written.
std::string FormatReport(const ConversionReport& report);

// The verdict for scripts: deterministic, no times. `exit_class` is ExitCodeName of the run.
std::string ReportJson(const ConversionReport& report, const std::string& exit_class);
// The verdict of a failed run.
std::string FailureJson(const std::string& input, const std::string& exit_class,
                        const std::vector<std::string>& errors);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_CONVERSION_REPORT_H_
