// qconvert lint: a quantized model file of any tool, against the rules of a target.
#ifndef QCONVERT_PIPELINE_LINT_FILE_H_
#define QCONVERT_PIPELINE_LINT_FILE_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/report/lint_report.h"
#include "qconvert/targets/target.h"

namespace qconvert {

// The words of --target: "cpu", "tensorrt", "qnn", "dpu", "bpu".
std::vector<std::string> LintTargets();

// The target of such a word; null for another one.
const Target* FindLintTarget(std::string_view word);

// What the target makes of every node of the model, on every level. Constants are folded into
// initializers and Identity goes first, as engines do it. Throws Error(kModel) naming `place` when
// the engine refuses the model.
Lint LintModel(Model model, const Target& target, const std::string& place);

// The same of a file, with `word` for the target. Throws what LoadOnnx throws.
Lint LintFile(const std::filesystem::path& file, const std::string& word);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_LINT_FILE_H_
