// Sessions of a process that looks for the node that killed the engine in another one.
#ifndef QCONVERT_SRC_RUNTIME_SEARCHING_SESSION_H_
#define QCONVERT_SRC_RUNTIME_SEARCHING_SESSION_H_

#include <functional>
#include <memory>
#include <string>

#include "qconvert/runtime/session.h"

namespace qconvert {

// What calls into the engine are noted as (base/activity.h).
inline constexpr const char* kPreparing = "preparing the model";
inline constexpr const char* kRunning = "running the model";

using OpenBytes = std::function<std::unique_ptr<Session>(const std::string& model_bytes)>;

// open(model_bytes), but calls like the lost one are made in child processes first. What kills them
// is noted (NoteKiller) and thrown as Error(kModel).
std::unique_ptr<Session> OpenSearching(const std::string& model_bytes, const std::string& place,
                                       OpenBytes open);

}  // namespace qconvert

#endif  // QCONVERT_SRC_RUNTIME_SEARCHING_SESSION_H_
