// What signals do to a run.
#ifndef QCONVERT_BASE_SIGNALS_H_
#define QCONVERT_BASE_SIGNALS_H_

namespace qconvert {

// INT, TERM and HUP remove what is provisional (base/provisional.h) and end the process with 128 +
// signal; a HUP that was ignored stays so (nohup). PIPE and XFSZ are ignored: the write that meets
// them fails instead.
void HandleSignals();

// From here on INT, TERM and HUP are only noted: outputs are being put in their places, or are
// there, and the exit code must say so. Idempotent. Does not return in a process that a signal is
// ending already.
void HoldSignals();

// The opposite, for work that goes on afterwards: acts on a signal that has been noted.
void ReleaseSignals();

}  // namespace qconvert

#endif  // QCONVERT_BASE_SIGNALS_H_
