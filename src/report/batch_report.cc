#include "qconvert/report/batch_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <pugixml.hpp>
#include <sstream>
#include <vector>

#include "json_text.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

constexpr size_t kNameWidth = 24;
// As base/log.cc writes errors where no terminal reads them.
constexpr std::string_view kPrefix = "qconvert: error: ";

// The lines of stderr that are errors, without what stands in front of each.
std::vector<std::string> ErrorLines(const JobResult& result) {
  std::vector<std::string> lines;
  std::istringstream in(result.errors);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(kPrefix)) lines.push_back(line.substr(kPrefix.size()));
  }
  // Killed: it had no time to say why.
  if (lines.empty() && result.exit_code != 0)
    lines.push_back(fmt::format("ended with exit code {} and no word", result.exit_code));
  return lines;
}

// The row names the model: the place in front of what is wrong need not.
std::string Reason(const JobResult& result) {
  const std::string error = ErrorLines(result)[0];
  const std::string place = result.model + ": ";
  return Text(error.starts_with(place) ? error.substr(place.size()) : error);
}

// null for what is no JSON.
Json VerdictOf(const JobResult& result) {
  // What a killed process leaves may end anywhere.
  Json verdict = Json::parse(result.verdict, nullptr, false);
  return verdict.is_object() ? verdict : Json(nullptr);
}

// The least SQNR of the outputs, and the sizes.
std::string Success(const Json& verdict) {
  if (!verdict.is_object()) return "done";
  if (verdict.value("skipped", false)) return "made of the same inputs before";
  // Outputs that were not compared have null there: the others say it.
  double least = kEqualSqnrDb;
  bool measured = false;
  for (const Json& output : verdict.value("outputs", Json::array())) {
    const auto it = output.find("sqnr_db");
    if (it == output.end() || !it->is_number()) continue;
    least = std::min(least, it->get<double>());
    measured = true;
  }
  std::string text = measured ? fmt::format("{:>6.1f} dB", least) : "not compared";
  return fmt::format("{}  {} -> {}", text, Size(verdict.value("bytes_before", int64_t{0})),
                     Size(verdict.value("bytes_after", int64_t{0})));
}

}  // namespace

int WorstExitCode(std::span<const JobResult> results) {
  int worst = 0;
  // Who died of a signal, 128 and more, outranks every code of ours.
  for (const JobResult& result : results) worst = std::max(worst, result.exit_code);
  return worst;
}

std::string FormatBatch(std::span<const JobResult> results) {
  std::string out;
  size_t failed = 0;
  for (const JobResult& result : results) {
    const bool is_done = result.exit_code == 0;
    failed += is_done ? 0 : 1;
    out += FittedRow(fmt::format("  {:<{}} {:>4}  {}", ShortText(result.name, kNameWidth),
                                 kNameWidth, is_done ? "done" : std::to_string(result.exit_code),
                                 is_done ? Success(VerdictOf(result)) : Reason(result)));
  }
  return out + fmt::format("{} of {} done\n", results.size() - failed, results.size());
}

std::string SkippedJson(const std::string& input, const std::string& output) {
  return Json{{"exit", std::string(ExitCodeName(ExitCode::kSuccess))},
              {"input", Text(input)},
              {"output", Text(output)},
              {"skipped", true}}
             .dump(2) +
         "\n";
}

std::string BatchJson(std::span<const JobResult> results) {
  Json jobs = Json::array();
  for (const JobResult& result : results) {
    jobs.push_back(
        {{"name", Text(result.name)},
         {"model", Text(result.model)},
         {"exit", result.exit_code},
         {"errors", result.exit_code == 0 ? Json::array() : TextsJson(ErrorLines(result))},
         {"verdict", VerdictOf(result)}});
  }
  return Json{{"exit", WorstExitCode(results)}, {"jobs", std::move(jobs)}}.dump(2) + "\n";
}

std::string BatchFailureJson(int exit_code, const std::vector<std::string>& errors) {
  return Json{{"exit", exit_code}, {"errors", TextsJson(errors)}, {"jobs", Json::array()}}.dump(2) +
         "\n";
}

// MessagePack: its strings may hold what is no text.
std::string PackResults(std::span<const JobResult> results) {
  Json rows = Json::array();
  for (const JobResult& one : results)
    // In the order of the members: UnpackResults fills them by place.
    rows.push_back({one.name, one.model, one.exit_code, one.verdict, one.errors});
  std::string packed;
  Json::to_msgpack(rows, packed);
  return packed;
}

std::vector<JobResult> UnpackResults(const std::string& packed) {
  std::vector<JobResult> results;
  try {
    for (const Json& row : Json::from_msgpack(packed))
      results.push_back({row.at(0), row.at(1), row.at(2), row.at(3), row.at(4)});
  } catch (const Json::exception& e) {
    throw Error(ExitCode::kInternal, "results of jobs", e.what());
  }
  return results;
}

std::string BatchJunit(std::span<const JobResult> results) {
  pugi::xml_document document;
  pugi::xml_node suite = document.append_child("testsuite");
  suite.append_attribute("name") = "qconvert";
  suite.append_attribute("tests") = static_cast<unsigned long long>(results.size());
  suite.append_attribute("failures") = static_cast<unsigned long long>(
      std::count_if(results.begin(), results.end(),
                    [](const JobResult& result) { return result.exit_code != 0; }));
  for (const JobResult& result : results) {
    pugi::xml_node test = suite.append_child("testcase");
    test.append_attribute("classname") = "qconvert";
    test.append_attribute("name") = Text(result.name).c_str();
    if (result.exit_code == 0) continue;
    const std::vector<std::string> lines = ErrorLines(result);
    pugi::xml_node failure = test.append_child("failure");
    failure.append_attribute("type") = fmt::format("exit code {}", result.exit_code).c_str();
    failure.append_attribute("message") = Text(lines[0]).c_str();
    failure.text().set(
        fmt::format("{}", fmt::join(TextsJson(lines).get<std::vector<std::string>>(), "\n"))
            .c_str());
  }
  std::ostringstream out;
  document.save(out, "  ");
  return out.str();
}

}  // namespace qconvert
