// What lint predicts against what the engine runs.
#ifndef QCONVERT_TESTS_SUPPORT_DISAGREEMENTS_H_
#define QCONVERT_TESTS_SUPPORT_DISAGREEMENTS_H_

#include <map>
#include <string>

#include "qconvert/pipeline/engine_kernels.h"
#include "qconvert/pipeline/lint_file.h"

namespace qconvert {

// Where prediction and engine differ, one line each; `judged` counts the nodes that both know.
inline std::string Disagreements(Model model, size_t& judged) {
  NumberNodes(model);
  const std::map<std::string, bool> kernels = FindKernels(model, "test model");
  std::string out;
  for (const LintedNode& node : LintModel(model, kCpuTarget, "test model").nodes) {
    using Kind = LintedNode::Kind;
    if (node.kind == Kind::kOther || node.kind == Kind::kUnknown || node.kind == Kind::kUncertain)
      continue;
    const auto kernel = kernels.find(node.name.substr(node.name.rfind('/') + 1));
    if (kernel == kernels.end()) continue;  // part of a larger one, or nothing to do
    ++judged;
    const bool is_predicted = node.kind != Kind::kFloat;
    if (kernel->second != is_predicted)
      out += node.op_type + " " + node.name + " runs on " +
             (kernel->second ? "integers" : "floats") + ", predicted otherwise " +
             node.broken.rule + " " + node.broken.found + "\n";
  }
  return out;
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_DISAGREEMENTS_H_
