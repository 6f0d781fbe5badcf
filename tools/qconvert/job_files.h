// The files of a batch: what its jobs read and write.
#ifndef QCONVERT_TOOLS_QCONVERT_JOB_FILES_H_
#define QCONVERT_TOOLS_QCONVERT_JOB_FILES_H_

#include <filesystem>
#include <vector>

#include "qconvert/config/job_list.h"

namespace qconvert {

// The models that jobs make with the quant_info beside each, and what else their arguments have
// written: pages, node data, pictures, settings, the folders of passes; as far as they tell.
std::vector<std::filesystem::path> OutputsOf(const std::vector<Job>& jobs);

// The models of jobs, and every file that their other arguments name, or that lies in folders
// which these name: settings, tables, samples.
std::vector<std::filesystem::path> InputsOf(const std::vector<Job>& jobs);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_JOB_FILES_H_
