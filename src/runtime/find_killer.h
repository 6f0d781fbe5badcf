// Which node kills the engine, or is refused by it.
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

// The node without which the engine takes the model, where `message` is what `open` throws
// (Error(kModel)) and names none: found by halving, in this process. Empty where a part of the
// model is refused for another reason.
std::string FindRefused(const std::string& model_bytes, const std::string& message,
                        const TryModel& open);

}  // namespace qconvert

#endif  // QCONVERT_SRC_RUNTIME_FIND_KILLER_H_
