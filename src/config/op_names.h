// Names of operators in layer entries: ONNX op types, and PyTorch module names mapped onto them.
#ifndef QCONVERT_CONFIG_OP_NAMES_H_
#define QCONVERT_CONFIG_OP_NAMES_H_

#include <string>
#include <string_view>
#include <vector>

#include "qconvert/config/quant_config.h"

namespace qconvert {

// What `name` (the text after its last dot: torch.nn.Conv2d) stands for; empty when nobody knows
// it. Compared with regard to case.
std::vector<OpMatch> FindOpTypes(std::string_view name);

// All names FindOpTypes knows, for suggestions.
std::vector<std::string> KnownOpNames();

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_OP_NAMES_H_
