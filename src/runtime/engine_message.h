// What ONNX Runtime says, as one line for a user.
#ifndef QCONVERT_SRC_RUNTIME_ENGINE_MESSAGE_H_
#define QCONVERT_SRC_RUNTIME_ENGINE_MESSAGE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace qconvert {

// The first line without status prefixes, source places and C++ signatures; the node that the
// engine names stands in front, its name shortened where it is long:
//   "Non-zero status code returned while running Div node. Name:'half' Status Message:
//    /path/file.cc:12 void onnxruntime::Check(int) const [with T = int] Integer overflow"
// becomes
//   "Div node \"half\": Integer overflow".
// The engine's paragraph on opsets newer than its own becomes "has opset 27 of domain ai.onnx,
// expected at most 26".
// Linear in the length of the message.
std::string CleanEngineMessage(std::string_view message);

// Whether a message, cleaned or not, says which node it is about.
bool NamesNode(std::string_view message);

// Whether the engine ran out of memory.
bool IsOutOfMemory(std::string_view message);

// Bytes of the one buffer that was too large; 0 where the message does not tell.
int64_t RefusedBytes(std::string_view message);

// Whether a node met an index that its table does not have (Gather, Scatter and their kin).
bool IsIndexOutOfRange(std::string_view message);

}  // namespace qconvert

#endif  // QCONVERT_SRC_RUNTIME_ENGINE_MESSAGE_H_
