// The conversions of a batch, a process each.
#ifndef QCONVERT_TOOLS_QCONVERT_RUN_JOBS_H_
#define QCONVERT_TOOLS_QCONVERT_RUN_JOBS_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "qconvert/config/job_list.h"
#include "qconvert/report/batch_report.h"

namespace qconvert {

struct RunJobsOptions {
  int at_once = 1;                            // processes at the same time
  std::vector<std::string> arguments;         // of every job, behind its own
  std::function<void(size_t done)> progress;  // from any thread, one at a time
};

// Runs this program for every job; each has its own supervisor, so that what one of them does to
// itself reaches nobody else. Results in the order of the jobs. A process ends by SIGTERM when this
// one does. Throws Error(kResource) when no process can be made.
std::vector<JobResult> RunJobs(const std::vector<Job>& jobs, const RunJobsOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_RUN_JOBS_H_
