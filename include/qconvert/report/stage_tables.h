// The two tables that Horizon's tools end with.
#ifndef QCONVERT_REPORT_STAGE_TABLES_H_
#define QCONVERT_REPORT_STAGE_TABLES_H_

#include <optional>
#include <string>
#include <vector>

#include "qconvert/report/comparison.h"

namespace qconvert {

// A row of "The main quantized node information".
struct StageNode {
  std::string name;
  bool on_bpu = false;  // computes on integers
  std::string type;     // of operator
  // Of its output in the quantized model with that of the float one, on one sample; nothing: not
  // compared.
  std::optional<double> cosine;
  // Greatest absolute value that the codes of its first input hold; nothing: it reads floats.
  std::optional<double> threshold;
  std::string data_type;  // of its output: int8, int16, float
};

// Node, ON, Type, Cosine Similarity, Threshold, DataType; long names keep their end.
std::string FormatStageNodes(const std::vector<StageNode>& nodes);

// Output, Cosine Similarity, L1, L2 and Chebyshev Distance: sums over all samples compared, the
// greatest of them. Outputs that were not compared have "--".
std::string FormatStageOutputs(const std::vector<OutputComparison>& outputs);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_STAGE_TABLES_H_
