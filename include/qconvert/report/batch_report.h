// What became of the conversions of one batch.
#ifndef QCONVERT_REPORT_BATCH_REPORT_H_
#define QCONVERT_REPORT_BATCH_REPORT_H_

#include <span>
#include <string>
#include <vector>

namespace qconvert {

struct JobResult {
  std::string name;
  std::string model;    // as the list names it
  int exit_code = 0;    // 128 + signal for a process that died of one
  std::string verdict;  // its --json document; may be empty or damaged
  std::string errors;   // its stderr, the end of it
};

// The greatest exit code; 0 when all are done.
int WorstExitCode(std::span<const JobResult> results);

// The table for people, 80 columns wide: a row for each job.
std::string FormatBatch(std::span<const JobResult> results);

// The verdict of a conversion whose output was there already.
std::string SkippedJson(const std::string& input, const std::string& output);

// {"exit": 4, "jobs": [{"name", "model", "exit", "errors": [...], "verdict": {...}}]} in the order
// of the list.
std::string BatchJson(std::span<const JobResult> results);
// The same of a batch that ended before its jobs: {"errors": [...], "exit": 6, "jobs": []}.
std::string BatchFailureJson(int exit_code, const std::vector<std::string>& errors);

// Results on their way from one process to another, any bytes in them. Unpacking throws
// Error(kInternal) for what is no packing.
std::string PackResults(std::span<const JobResult> results);
std::vector<JobResult> UnpackResults(const std::string& packed);

// JUnit's XML, as CI servers read it: a testcase for each job, with a failure where its exit code
// is not 0. No times.
std::string BatchJunit(std::span<const JobResult> results);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_BATCH_REPORT_H_
