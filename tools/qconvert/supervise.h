// The work in a child process: a model can kill the engine, and then somebody must say so.
#ifndef QCONVERT_TOOLS_QCONVERT_SUPERVISE_H_
#define QCONVERT_TOOLS_QCONVERT_SUPERVISE_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "verdict_file.h"

namespace qconvert {

// What a run may take at most; 0: any.
struct Ceilings {
  int64_t memory_bytes = 0;  // resident
  int64_t seconds = 0;
};

// Runs `work` in a child process and returns its exit code. Signals are passed on; a child whose
// parent is killed ends as by SIGTERM. When the child dies of a signal or reaches a ceiling its
// provisional files are removed, and that is told: a line on stderr and the verdict. Where the
// engine died of the model, a second child runs `work` again to find the node, for a minute at
// most. Must be called before any thread is started. With QCONVERT_SUPERVISE=0 in the environment
// `work` runs in this process, without ceilings.
int Supervise(const std::function<int()>& work);

// After fork, in the child: from here on it ends as by SIGTERM when `parent` dies. False: that has
// happened already. Nothing but system calls.
bool EndWithParent(pid_t parent);

// From the child: the ceilings that hold from here on.
void ShareCeilings(const Ceilings& ceilings);

// Where the child's verdict goes (--json), of which model and kind, for the parent to use.
void ShareVerdict(const std::string& target, const std::string& model, VerdictKind kind);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_SUPERVISE_H_
