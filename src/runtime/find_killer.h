// Which node kills the engine.
#ifndef QCONVERT_SRC_RUNTIME_FIND_KILLER_H_
#define QCONVERT_SRC_RUNTIME_FIND_KILLER_H_

#include <functional>
#include <string>

namespace qconvert {

// Opens the model of these bytes, and runs it if it is to be run.
using TryModel = std::function<void(const std::string& model_bytes)>;

// The node without which `attempt` survives, "node half (Div)": found by halving the model, each
// attempt in a child process. Empty when the whole model kills no child, or when a child takes
// longer than kMaxProbeSeconds. An attempt that throws survives.
inline constexpr unsigned kMaxProbeSeconds = 20;
std::string FindKiller(const std::string& model_bytes, const TryModel& attempt);

}  // namespace qconvert

#endif  // QCONVERT_SRC_RUNTIME_FIND_KILLER_H_
