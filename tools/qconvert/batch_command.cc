// qconvert batch JOBS.yaml|DIR
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "command.h"
#include "job_files.h"
#include "progress.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/base/signals.h"
#include "ranks.h"
#include "run_jobs.h"
#include "shard_option.h"
#include "shared_options.h"

namespace qconvert {
namespace {

struct BatchLine {
  std::string list;
  int jobs = 1;
  int time_limit = 0;
  int64_t memory_limit = 0;
  std::string json;
  std::string junit;
  std::string shard;
  bool resume = false;
  Verbosity verbosity;
};

void Define(CLI::App& app, BatchLine& line) {
  app.add_option("LIST", line.list, "a list of jobs in YAML or JSON, or a folder of models")
      ->required();
  app.add_option("--jobs", line.jobs, "conversions at the same time (default: 1)")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxWorkers));
  app.add_option("--time-limit", line.time_limit, "seconds that each conversion may take")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, kMaxSamples));
  AddMemoryLimit(app, line.memory_limit, "memory that each conversion may take, for example 2GiB");
  AddShardOption(app, line.shard, "job of the list");
  app.add_flag("--resume", line.resume,
               "leave out what is there already, made of the same model, settings and samples by "
               "this version");
  app.add_option("--junit", line.junit, "write the results as JUnit's XML to FILE")
      ->type_name("FILE");
  AddJson(app, line.json);
  AddVerbosity(app, line.verbosity);
}

std::vector<std::string> ArgumentsOfAll(const BatchLine& line) {
  std::vector<std::string> arguments;
  if (line.time_limit > 0)
    arguments.insert(arguments.end(), {"--time-limit", std::to_string(line.time_limit)});
  if (line.memory_limit > 0)
    arguments.insert(arguments.end(), {"--memory-limit", std::to_string(line.memory_limit)});
  if (line.resume) arguments.emplace_back("--skip-done");
  return arguments;
}

// Before anything is read: what fails from here on is told there, in place of an older verdict.
void OpenVerdict(const BatchLine& line, VerdictFile& verdict) {
  verdict.Open(line.json, line.list, {}, VerdictKind::kBatch);
}

// Every N-th job: neighbours in a list are often of one size.
std::vector<Job> JobsOf(const BatchLine& line) {
  const Shard shard = ParseShard(line.shard);
  std::vector<Job> all = ReadJobList(line.list);
  std::vector<Job> own;
  for (size_t k = shard.index; k < all.size(); k += shard.count) own.push_back(std::move(all[k]));
  return own;
}

// Names the jobs: their list, not a file, is what has to change.
void RefuseSharedOutputs(const std::vector<Job>& jobs) {
  std::vector<std::filesystem::path> outputs;
  std::vector<const Job*> owners;
  for (const Job& job : jobs) {
    const std::vector<std::filesystem::path> own = OutputsOf({job});
    outputs.insert(outputs.end(), own.begin(), own.end());
    owners.insert(owners.end(), own.size(), &job);
  }
  const auto shared = FindSharedOutput(outputs);
  if (!shared) return;
  const auto [first, second] = *shared;
  const std::string file = outputs[second].string();
  if (owners[first] == owners[second])
    throw Error(ExitCode::kUsage, file,
                fmt::format("is to hold two outputs of job '{}', expected a file each",
                            owners[first]->name));
  throw Error(ExitCode::kUsage, file,
              fmt::format("jobs '{}' and '{}' would both write it, expected an output of its own "
                          "for each",
                          owners[first]->name, owners[second]->name));
}

// Jobs run at the same time and in any order: none may write what another one reads or writes.
void CheckFiles(const BatchLine& line, const std::vector<Job>& jobs, const VerdictFile& verdict) {
  if (line.junit == "-")
    throw Error(ExitCode::kUsage, "", "--junit takes a file; --json - writes to stdout");
  RefuseSharedOutputs(jobs);
  std::vector<std::filesystem::path> inputs = InputsOf(jobs);
  inputs.emplace_back(line.list);
  std::vector<std::filesystem::path> outputs = OutputsOf(jobs);
  outputs.insert(outputs.end(), {line.junit, verdict.file()});
  RefuseOverwriting(outputs, inputs);
  if (!line.junit.empty()) CheckWritable(line.junit);
}

std::vector<JobResult> RunOwn(const BatchLine& line, const std::vector<Job>& jobs) {
  RunJobsOptions options{.at_once = line.jobs, .arguments = ArgumentsOfAll(line), .progress = {}};
  Progress progress("converting");
  if (!line.verbosity.quiet)
    options.progress = [&](size_t done) { progress.Update(done, jobs.size()); };
  return RunJobs(jobs, options);
}

// Rank r of n runs jobs r, r + n, ...; all results in the order of the list at rank 0.
std::vector<JobResult> RunAcrossRanks(const BatchLine& line, Ranks& ranks, VerdictFile& verdict) {
  const auto size = static_cast<size_t>(ranks.size());
  const auto rank = static_cast<size_t>(ranks.rank());
  const auto parts = GatherParts(ranks, [&] {
    OpenVerdict(line, verdict);
    const std::vector<Job> jobs = JobsOf(line);
    CheckFiles(line, jobs, verdict);
    std::vector<Job> own;
    for (size_t k = rank; k < jobs.size(); k += size) own.push_back(jobs[k]);
    return PackResults(RunOwn(line, own));
  });
  std::vector<JobResult> results;
  if (!parts) return results;
  std::vector<std::vector<JobResult>> by_rank;
  for (const std::string& part : *parts) by_rank.push_back(UnpackResults(part));
  // Round by round over the ranks, up to the first that has no job left.
  for (size_t k = 0; k / size < by_rank[k % size].size(); ++k)
    results.push_back(std::move(by_rank[k % size][k / size]));
  return results;
}

}  // namespace

int RunBatch(int argc, char** argv, VerdictFile& verdict) {
  BatchLine line;
  CLI::App app(
      "Converts many models, a process each: one that crashes, hangs or takes too much memory is a "
      "failed row and nothing else. The exit code is the greatest of all. Under mpirun the ranks "
      "share the list.",
      "qconvert batch");
  app.footer(
      "Examples:\n"
      "  qconvert batch jobs.yaml --jobs 2 --time-limit 600 --json fleet.json \\\n"
      "      --junit fleet.xml\n"
      "  qconvert batch jobs.yaml --resume --shard slurm\n"
      "  mpirun -n 4 qconvert batch jobs.yaml --json fleet.json\n"
      "  qconvert batch models/     models/a.onnx with its samples in models/a/");
  Define(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line.verbosity);
  const std::unique_ptr<Ranks> ranks = JoinRanks();
  std::vector<JobResult> results;
  if (ranks == nullptr) {
    OpenVerdict(line, verdict);
    const std::vector<Job> jobs = JobsOf(line);
    CheckFiles(line, jobs, verdict);
    results = RunOwn(line, jobs);
  } else {
    if (ranks->rank() != 0) {  // rank 0 speaks for all
      line.json.clear();
      line.verbosity.quiet = true;
    }
    results = RunAcrossRanks(line, *ranks, verdict);
    if (ranks->rank() != 0) return static_cast<int>(ExitCode::kSuccess);
  }
  if (!line.junit.empty()) {
    WriteFile(line.junit, BatchJunit(results));
    // A commit holds signals, and the verdict is a commit of its own.
    ReleaseSignals();
  }
  verdict.Write(BatchJson(results));
  PrintResult(FormatBatch(results), {line.junit}, line.verbosity, verdict);
  return WorstExitCode(results);
}

}  // namespace qconvert
