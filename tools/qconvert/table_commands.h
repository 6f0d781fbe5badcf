// qconvert calibrate and qconvert merge: calibration tables on their own.
#ifndef QCONVERT_TOOLS_QCONVERT_TABLE_COMMANDS_H_
#define QCONVERT_TOOLS_QCONVERT_TABLE_COMMANDS_H_

#include <string_view>

namespace qconvert {

// True for the words that are commands of their own.
bool IsTableCommand(std::string_view word);

// Runs the command argv[1] with what follows it. Returns the exit code; throws Error.
int RunTableCommand(int argc, char** argv);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_TABLE_COMMANDS_H_
