// The commands of qconvert: a file each, and one table.
#ifndef QCONVERT_TOOLS_QCONVERT_COMMAND_H_
#define QCONVERT_TOOLS_QCONVERT_COMMAND_H_

#include <span>
#include <string>
#include <vector>

#include "verdict_file.h"

namespace qconvert {

struct Command {
  const char* name;
  const char* summary;  // one line
  // `argv[0]` is the command's own word. Returns the exit code; throws Error. A verdict for scripts
  // is opened as soon as the command line is read, and what goes wrong from then on is told there.
  int (*run)(int argc, char** argv, VerdictFile& verdict);
  bool opens_models = true;  // in the engine, or by processes that it starts
};

// The default command first.
std::span<const Command> Commands();
std::vector<std::string> CommandNames();

// Whether a command line may open models; not where it asks for help or a version.
bool OpensModels(int argc, char** argv);

int RunConvert(int argc, char** argv, VerdictFile& verdict);
int RunCalibrate(int argc, char** argv, VerdictFile& verdict);
int RunBatch(int argc, char** argv, VerdictFile& verdict);
int RunInit(int argc, char** argv, VerdictFile& verdict);
int RunInspect(int argc, char** argv, VerdictFile& verdict);
int RunLint(int argc, char** argv, VerdictFile& verdict);
int RunEvaluate(int argc, char** argv, VerdictFile& verdict);
int RunBench(int argc, char** argv, VerdictFile& verdict);
int RunDiff(int argc, char** argv, VerdictFile& verdict);
int RunVerify(int argc, char** argv, VerdictFile& verdict);
int RunRun(int argc, char** argv, VerdictFile& verdict);
int RunCompare(int argc, char** argv, VerdictFile& verdict);
int RunCosts(int argc, char** argv, VerdictFile& verdict);
int RunDebug(int argc, char** argv, VerdictFile& verdict);
int RunMerge(int argc, char** argv, VerdictFile& verdict);
int RunPresets(int argc, char** argv, VerdictFile& verdict);
int RunHelp(int argc, char** argv, VerdictFile& verdict);

// Runs the command that the first argument names, else the default one. Tells every failure: a line
// each on stderr, and the verdict. The only catch-all.
int RunCommandLine(int argc, char** argv);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_COMMAND_H_
