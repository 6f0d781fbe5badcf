#include "qconvert/config/cost_file.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "qconvert/base/file.h"
#include "text/node_edit.h"
#include "text/parse_config.h"
#include "text/setting_table.h"

namespace qconvert {
namespace {

SettingTable TermTable(const std::vector<std::string>& terms) {
  SettingTable table{"the terms of a cost table", {}};
  for (const std::string& term : terms)
    table.settings.push_back({.name = term, .kind = Setting::Kind::kNumber, .min = 0});
  return table;
}

}  // namespace

std::vector<double> ParseCostFile(const std::string& text, const std::filesystem::path& file,
                                  const std::vector<std::string>& terms) {
  using Kind = Setting::Kind;
  ConfigProblems problems(file.string());
  ConfigNode root = ParseConfig(text, file.string());
  CheckFileForm(root, "cost table", kCostFileFormat, kCostFileVersion, problems);
  const SettingTable numbers = TermTable(terms);
  const SettingTable table{"a cost table",
                           {{.name = "format", .kind = Kind::kText},
                            {.name = "version", .kind = Kind::kInteger},
                            {.name = "tool", .kind = Kind::kText},
                            {.name = "engine", .kind = Kind::kText},
                            {.name = "ns", .kind = Kind::kObject, .object = &numbers}}};
  ConfigNotes notes;
  CheckSettings(root, table, problems, notes);
  const ConfigNode* times = FindValue(root, "ns");
  // Find, not FindValue: what was refused is null, and told already.
  if (root.Find("ns") == nullptr) problems.Add(root.place, "has no times, expected them under ns");
  std::vector<double> out;
  for (size_t k = 0; times != nullptr && k < terms.size(); ++k) {
    const ConfigNode* time = FindValue(*times, terms[k]);
    // Refused or missing, which is told: 0 keeps the places of the others.
    out.push_back(time == nullptr ? 0 : AsNumber(*time));
    if (times->Find(terms[k]) == nullptr)
      problems.Add(times->place, fmt::format("has no time of '{}'", terms[k]));
  }
  problems.ThrowIfAny();
  return out;
}

std::string CostFileText(const std::vector<std::string>& terms, std::span<const double> ns,
                         const std::string& tool, const std::string& engine) {
  constexpr double kDigits = 1e4;  // measured times have no more
  nlohmann::ordered_json times = nlohmann::ordered_json::object();
  for (size_t k = 0; k < terms.size(); ++k) times[terms[k]] = std::round(ns[k] * kDigits) / kDigits;
  const nlohmann::ordered_json json = {{"format", kCostFileFormat},
                                       {"version", kCostFileVersion},
                                       {"tool", tool},
                                       {"engine", engine},
                                       {"ns", times}};
  return json.dump(1) + "\n";
}

std::vector<double> ReadCostFile(const std::filesystem::path& file,
                                 const std::vector<std::string>& terms) {
  return ParseCostFile(ReadFile(file, kMaxConfigBytes), file, terms);
}

}  // namespace qconvert
