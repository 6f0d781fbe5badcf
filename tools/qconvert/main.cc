// qconvert: commands on float ONNX models. qconvert MODEL.onnx --calib DIR is the main one.
#include <malloc.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "command.h"
#include "qconvert/base/signals.h"
#include "standard_streams.h"
#include "supervise.h"

namespace {

constexpr const char* kTunables = "GLIBC_TUNABLES";
constexpr int kLargeBlock = 4 << 20;  // bytes

// Every session copies and packs all weights, and a conversion opens dozens: with pages of 4 KiB
// half the time of a transformer's conversion goes into page faults. glibc reads its setting before
// main only, so the program starts once more, under its own name; where that cannot be, all is as
// before.
void UseHugePages(char** argv) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  // A user's own tuning stays. From a privileged program glibc takes the setting away: no second
  // start.
  if (error || std::getenv(kTunables) != nullptr || getauxval(AT_SECURE) != 0) return;
  if (setenv(kTunables, "glibc.malloc.hugetlb=1", 0) == 0) execv(self.c_str(), argv);
}

}  // namespace

int main(int argc, char** argv) {
  if (qconvert::OpensModels(argc, argv)) UseHugePages(argv);
  // Large blocks go back to the system as soon as they are free, also after larger ones have been:
  // the weights of one session must not stay while the next one is opened.
  mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  qconvert::OpenStandardStreams();
  qconvert::HandleSignals();
  return qconvert::Supervise([&] { return qconvert::RunCommandLine(argc, argv); });
}
