#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

#include "qconvert/config/cost_file.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/pipeline/measure_costs.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

constexpr double kDigits = 1e4;  // measured times have no more

std::vector<std::string> TermNames() {
  std::vector<std::string> names;
  for (size_t k = 0; k < kCostTerms; ++k) names.push_back(CostTermName(static_cast<CostTerm>(k)));
  return names;
}

}  // namespace

std::string CostTableJson(const CostTable& table) {
  nlohmann::ordered_json times = nlohmann::ordered_json::object();
  const std::vector<std::string> names = TermNames();
  for (size_t k = 0; k < kCostTerms; ++k)
    times[names[k]] = std::round(table.ns[k] * kDigits) / kDigits;
  const nlohmann::ordered_json json = {{"format", kCostFileFormat},
                                       {"version", kCostFileVersion},
                                       {"tool", "qconvert " + Version()},
                                       {"engine", "onnxruntime " + OrtVersion()},
                                       {"ns", times}};
  return json.dump(1) + "\n";
}

CostTable ReadCostTable(const std::filesystem::path& file) {
  const std::vector<double> times = ReadCostFile(file, TermNames());
  CostTable table;
  std::copy(times.begin(), times.end(), table.ns.begin());
  return table;
}

}  // namespace qconvert
