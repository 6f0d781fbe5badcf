#include "standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

namespace qconvert {
namespace {

// The end of a pipe whose other end is gone.
void OpenBrokenPipe(int stream) {
  int ends[2];
  if (pipe(ends) != 0) return;
  // The pipe may have got the very number that was free.
  if (ends[1] != stream) {
    dup2(ends[1], stream);
    close(ends[1]);
  }
  if (ends[0] != stream) close(ends[0]);
}

bool IsOpen(int stream) { return fcntl(stream, F_GETFD) >= 0; }

}  // namespace

void OpenStandardStreams() {
  if (!IsOpen(STDIN_FILENO)) open("/dev/null", O_RDONLY);  // the lowest number is free: it gets it
  for (int stream = STDOUT_FILENO; stream <= STDERR_FILENO; ++stream)
    if (!IsOpen(stream)) OpenBrokenPipe(stream);
}

}  // namespace qconvert
