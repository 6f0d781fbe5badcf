// qconvert batch JOBS.yaml|DIR
#include <CLI/CLI.hpp>

#include <filesystem>
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
#include "run_jobs.h"
#include "shard_option.h"
#include "shared_options.h"

namespace qconvert {
namespace {

struct BatchLine {
  std::string list;
  int jobs = 1;
  int time_limit = 0;
  std::string memory_limit;
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
  app.add_option("--memory-limit", line.memory_limit,
                 "memory that each conversion may take, for example 2GiB")
      ->type_name("SIZE");
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
  if (!line.memory_limit.empty())
    arguments.insert(arguments.end(), {"--memory-limit", line.memory_limit});
  if (line.resume) arguments.emplace_back("--skip-done");
  return arguments;
}

// Every N-th job: neighbours in a list are often of one size.
std::vector<Job> JobsOf(const BatchLine& line) {
  const Shard shard = ParseShard(line.shard);
  std::vector<Job> all = ReadJobList(line.list);
  std::vector<Job> own;
  for (size_t k = shard.index; k < all.size(); k += shard.count) own.push_back(std::move(all[k]));
  return own;
}

}  // namespace

int RunBatch(int argc, char** argv, VerdictFile& verdict) {
  BatchLine line;
  CLI::App app(
      "Converts many models, a process each: one that crashes, hangs or takes too much memory is a "
      "failed row and nothing else. The exit code is the greatest of all.",
      "qconvert batch");
  app.footer(
      "Examples:\n"
      "  qconvert batch jobs.yaml --jobs 2 --time-limit 600 --json fleet.json \\\n"
      "      --junit fleet.xml\n"
      "  qconvert batch jobs.yaml --resume --shard slurm\n"
      "  qconvert batch models/     models/a.onnx with its samples in models/a/");
  Define(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line.verbosity);
  const std::vector<Job> jobs = JobsOf(line);
  std::vector<std::filesystem::path> inputs = InputsOf(jobs);
  inputs.emplace_back(line.list);
  verdict.Open(line.json, line.list, inputs);
  // Jobs run at the same time and in any order: none may write what another one reads or writes.
  std::vector<std::filesystem::path> outputs = OutputsOf(jobs);
  outputs.insert(outputs.end(), {line.junit, verdict.file()});
  RefuseOverwriting(outputs, inputs);
  if (!line.junit.empty()) CheckWritable(line.junit);
  RunJobsOptions options{.at_once = line.jobs, .arguments = ArgumentsOfAll(line), .progress = {}};
  Progress progress("converting");
  if (!line.verbosity.quiet)
    options.progress = [&](size_t done) { progress.Update(done, jobs.size()); };
  const std::vector<JobResult> results = RunJobs(jobs, options);
  if (!line.junit.empty()) {
    WriteFile(line.junit, BatchJunit(results));
    ReleaseSignals();
  }
  verdict.Write(BatchJson(results));
  PrintTable(FormatBatch(results), line.verbosity, verdict);
  return WorstExitCode(results);
}

}  // namespace qconvert
