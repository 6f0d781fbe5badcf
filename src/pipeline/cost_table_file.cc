#include <algorithm>

#include "qconvert/config/cost_file.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/pipeline/measure_costs.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

std::vector<std::string> TermNames() {
  std::vector<std::string> names;
  for (size_t k = 0; k < kCostTerms; ++k) names.push_back(CostTermName(static_cast<CostTerm>(k)));
  return names;
}

}  // namespace

std::string CostTableJson(const CostTable& table) {
  return CostFileText(TermNames(), table.ns, ToolName(), EngineName());
}

CostTable ReadCostTable(const std::filesystem::path& file) {
  const std::vector<double> times = ReadCostFile(file, TermNames());
  CostTable table;
  std::copy(times.begin(), times.end(), table.ns.begin());
  return table;
}

}  // namespace qconvert
