// The verdict for scripts: --json.
#ifndef QCONVERT_TOOLS_QCONVERT_VERDICT_FILE_H_
#define QCONVERT_TOOLS_QCONVERT_VERDICT_FILE_H_

#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/base/error.h"

namespace qconvert {

// A batch says its exit code as a number, among those of its jobs; all other commands its name.
enum class VerdictKind { kOne, kBatch };

// A JSON document in a file, which appears complete or not at all, or written through to what is no
// regular file: a device, a pipe, stdout.
class VerdictFile {
 public:
  VerdictFile() = default;
  ~VerdictFile();
  VerdictFile(const VerdictFile&) = delete;
  VerdictFile& operator=(const VerdictFile&) = delete;

  // `target`: a file, "-" for stdout, empty for none. `inputs` are what the command line names;
  // `model` is told with failures. Opens what is no regular file, without waiting for a reader.
  // Throws Error(kUsage) for an input, Error(kFile) for what cannot be written; then there is no
  // verdict.
  void Open(const std::string& target, const std::string& model,
            std::vector<std::filesystem::path> inputs, VerdictKind kind = VerdictKind::kOne);

  // The file that will be replaced or made; empty: none.
  std::filesystem::path file() const { return descriptor_ < 0 ? target_ : ""; }
  // Also where the file is what stdout leads to: nothing else may be told there.
  bool is_stdout() const;

  // Throws Error(kFile).
  void Write(const std::string& text);
  // Replaces no file but an older verdict: not all inputs may be known yet. A wrong command line
  // makes no file at all. Does not throw.
  void WriteFailure(ExitCode code, const std::vector<std::string>& errors);

 private:
  std::string target_;
  std::string model_;
  int descriptor_ = -1;  // of what is written through
  bool written_ = false;
  VerdictKind kind_ = VerdictKind::kOne;
};

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_VERDICT_FILE_H_
