// qconvert: commands on float ONNX models. qconvert MODEL.onnx --calib DIR is the main one.
#include <malloc.h>

#include "command.h"
#include "qconvert/base/signals.h"
#include "standard_streams.h"
#include "supervise.h"

namespace {

constexpr int kLargeBlock = 1 << 20;  // bytes

}  // namespace

int main(int argc, char** argv) {
  // Large blocks go back to the system as soon as they are free, also after larger ones have been:
  // the weights of one session must not stay while the next one is opened.
  mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  qconvert::OpenStandardStreams();
  qconvert::HandleSignals();
  return qconvert::Supervise([&] { return qconvert::RunCommandLine(argc, argv); });
}
