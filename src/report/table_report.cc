#include "qconvert/report/table_report.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "qconvert/base/error.h"

namespace qconvert {

std::string TableVerdictJson(const std::string& output, size_t samples, size_t values,
                             const std::vector<std::string>& warnings) {
  nlohmann::json lines = nlohmann::json::array();
  for (const std::string& warning : warnings) lines.push_back(EscapeForTerminal(warning));
  const nlohmann::json json = {{"exit", std::string(ExitCodeName(ExitCode::kSuccess))},
                               {"output", EscapeForTerminal(output)},
                               {"samples", samples},
                               {"values", values},
                               {"warnings", std::move(lines)}};
  return json.dump(2) + "\n";
}

}  // namespace qconvert
