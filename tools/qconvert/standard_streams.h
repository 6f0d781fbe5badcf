// Streams that were closed by whoever started the program.
#ifndef QCONVERT_TOOLS_QCONVERT_STANDARD_STREAMS_H_
#define QCONVERT_TOOLS_QCONVERT_STANDARD_STREAMS_H_

namespace qconvert {

// Gives each closed standard stream a descriptor: otherwise the next file that is opened gets its
// number, and what is told goes into that file. Writing to a stream that was closed fails.
void OpenStandardStreams();

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_STANDARD_STREAMS_H_
