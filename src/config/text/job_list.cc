#include "qconvert/config/job_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <system_error>
#include <utility>

#include "parse_config.h"
#include "qconvert/base/file.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/config_node.h"

namespace qconvert {
namespace {

// Keys with a path, and the option that takes it.
constexpr std::array<std::pair<const char*, const char*>, 5> kPaths = {{{"calib", "--calib"},
                                                                        {"validate", "--validate"},
                                                                        {"table", "--table"},
                                                                        {"config", "--config"},
                                                                        {"output", "--output"}}};

class JobListReader {
 public:
  explicit JobListReader(const std::filesystem::path& list)
      : folder_(list.parent_path()), problems_(list.string()) {}

  std::vector<Job> Read(const ConfigNode& root) {
    CheckKeys(root, {"defaults", "jobs"});
    static const ConfigNode kNothing;
    const ConfigNode* defaults = root.Find("defaults");
    if (defaults != nullptr) CheckJobKeys(*defaults);
    const ConfigNode* jobs = root.Find("jobs");
    if (jobs == nullptr || jobs->kind != ConfigNode::Kind::kSequence || jobs->items.empty()) {
      problems_.Add(root.place, "expected jobs, a list of maps");
    } else {
      for (const ConfigNode& job : jobs->items)
        ReadJob(job, defaults == nullptr ? kNothing : *defaults);
    }
    problems_.ThrowIfAny();
    return std::move(jobs_);
  }

 private:
  void CheckKeys(const ConfigNode& map, const std::vector<std::string>& known) {
    if (map.kind != ConfigNode::Kind::kMap)
      return problems_.Add(map.place, fmt::format("found {}, expected a map", map.Shown()));
    for (const ConfigEntry& entry : map.entries) {
      const std::string& key = entry.key.scalar;
      if (std::find(known.begin(), known.end(), key) == known.end())
        problems_.Add(entry.key.place,
                      fmt::format("unknown key '{}'{}", key, DidYouMean(key, known)));
    }
  }

  void CheckJobKeys(const ConfigNode& map) {
    std::vector<std::string> known = {"model", "name", "args"};
    for (const auto& [key, option] : kPaths) known.emplace_back(key);
    CheckKeys(map, known);
  }

  std::string Scalar(const ConfigNode& node, const std::string& key) {
    if (node.kind == ConfigNode::Kind::kScalar && !node.scalar.empty()) return node.scalar;
    problems_.Add(node.place, fmt::format("{} is '{}', expected a text", key, node.Shown()));
    return "";
  }

  void ReadJob(const ConfigNode& map, const ConfigNode& defaults) {
    CheckJobKeys(map);
    if (map.kind != ConfigNode::Kind::kMap) return;
    const auto find = [&](const char* key) {
      const ConfigNode* own = map.Find(key);
      return own != nullptr ? own : defaults.Find(key);
    };
    const ConfigNode* model = map.Find("model");
    if (model == nullptr) return problems_.Add(map.place, "a job without a model");
    Job job;
    job.model = folder_ / Scalar(*model, "model");
    const ConfigNode* name = map.Find("name");
    job.name = name != nullptr ? Scalar(*name, "name") : job.model.stem().string();
    // Reports tell jobs apart by their names.
    if (!names_.insert(job.name).second)
      problems_.Add(map.place, fmt::format("two jobs are called '{}', expected a name", job.name));
    for (const auto& [key, option] : kPaths) {
      const ConfigNode* path = find(key);
      if (path == nullptr) continue;
      job.arguments.emplace_back(option);
      job.arguments.push_back(PathOf(key, Scalar(*path, key)));
    }
    if (const ConfigNode* further = find("args")) AddArguments(*further, job);
    jobs_.push_back(std::move(job));
  }

  // A config that is no file of the list's folder may be a preset.
  std::string PathOf(std::string_view key, const std::string& text) const {
    const std::filesystem::path inside = folder_ / text;
    std::error_code error;
    if (key == "config" && !std::filesystem::exists(inside, error)) return text;
    return inside.string();
  }

  void AddArguments(const ConfigNode& list, Job& job) {
    if (list.kind != ConfigNode::Kind::kSequence)
      return problems_.Add(list.place, fmt::format("args is '{}', expected a list", list.Shown()));
    for (const ConfigNode& item : list.items) job.arguments.push_back(Scalar(item, "args"));
  }

  const std::filesystem::path folder_;
  ConfigProblems problems_;
  std::set<std::string> names_;
  std::vector<Job> jobs_;
};

std::vector<Job> JobsOfFolder(const std::filesystem::path& folder) {
  constexpr std::string_view kResult = "_quantized";
  std::vector<Job> jobs;
  for (const std::filesystem::path& file : ListFolder(folder)) {
    const std::string stem = file.stem().string();
    std::error_code error;
    // Results of an earlier batch are no models of this one.
    if (file.extension() != ".onnx" || stem.ends_with(kResult)) continue;
    const std::filesystem::path samples = folder / stem;
    if (std::filesystem::is_directory(samples, error)) {
      jobs.push_back({stem, file, {"--calib", samples.string()}});
    } else {
      jobs.push_back({stem, file, {"--scheme", "weight-only"}});
    }
  }
  if (jobs.empty())
    throw Error(ExitCode::kFile, folder.string(), "holds no .onnx file, expected models");
  return jobs;
}

}  // namespace

std::vector<Job> ReadJobList(const std::filesystem::path& list) {
  std::error_code error;
  if (std::filesystem::is_directory(list, error)) return JobsOfFolder(list);
  return JobListReader(list).Read(ParseConfig(ReadFile(list, kMaxConfigBytes), list.string()));
}

}  // namespace qconvert
