// What the engine has been asked to open.
#ifndef QCONVERT_RUNTIME_OPENED_MODELS_H_
#define QCONVERT_RUNTIME_OPENED_MODELS_H_

#include <cstdint>

namespace qconvert {

// How many models the engine has been given in this process: opening one takes time that grows with
// its nodes.
int64_t OpenedModels();

}  // namespace qconvert

#endif  // QCONVERT_RUNTIME_OPENED_MODELS_H_
