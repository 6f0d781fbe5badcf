// The work in a child process: a model can kill the engine, and then somebody must say so.
#ifndef QCONVERT_TOOLS_QCONVERT_SUPERVISE_H_
#define QCONVERT_TOOLS_QCONVERT_SUPERVISE_H_

#include <functional>
#include <string>

namespace qconvert {

// Runs `work` in a child process and returns its exit code. Signals are passed on; a child whose
// parent is killed ends as by SIGTERM. When the child dies of a signal its provisional files are
// removed, and the death is told: a line on stderr and the verdict. Must be called before any
// thread is started. With QCONVERT_SUPERVISE=0 in the environment `work` runs in this process.
int Supervise(const std::function<int()>& work);

// Where the child's verdict goes (--json) and of which model, for the parent to use.
void ShareVerdict(const std::string& target, const std::string& model);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_SUPERVISE_H_
