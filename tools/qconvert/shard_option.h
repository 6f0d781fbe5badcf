// --shard: which part of some work a process does.
#ifndef QCONVERT_TOOLS_QCONVERT_SHARD_OPTION_H_
#define QCONVERT_TOOLS_QCONVERT_SHARD_OPTION_H_

#include <string>

#include "qconvert/calibration/shard.h"

namespace CLI {
class App;
}  // namespace CLI

namespace qconvert {

// `of`: what is shared out, in the help.
void AddShardOption(CLI::App& app, std::string& shard, const std::string& of);

// "2/8", counted from 0, or "slurm" for the task of a Slurm job array; the whole for an empty text.
// Throws Error(kUsage).
Shard ParseShard(const std::string& text);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_SHARD_OPTION_H_
