// Parameter objects: merging them key by key, what they mean, and which combinations the vendor's
// tool refuses.
#ifndef QCONVERT_CONFIG_VITIS_PARAMETERS_H_
#define QCONVERT_CONFIG_VITIS_PARAMETERS_H_

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "qconvert/config/config_node.h"
#include "qconvert/config/quant_config.h"
#include "text/setting_table.h"

namespace qconvert {

// The parameters of one tensor type while they are merged. `damaged`: a value was refused, so
// nothing more can be said about the combination.
struct Parameters {
  ConfigNode object;
  bool damaged = false;
};
using ParameterSet = std::array<Parameters, kTensorTypes.size()>;

// Later wins, key by key. A parameter object without percentage resets it whenever the method is
// percentile afterwards, as the vendor's tool does; that is noted where it undoes a setting.
void MergeParameters(const ConfigNode& from, Parameters& into, ConfigNotes& notes);

TensorSettings ToSettings(const ConfigNode& object);

// Takes keys away that mean nothing with the others (percentage without percentile, say).
void DropIdleKeys(ConfigNode& object);

// The same keys where they were written, of all objects of a file: what an object hands on to
// others may act there.
class IdleParameters {
 public:
  // A merged object, with its idle keys.
  void Note(const ConfigNode& object);
  // One warning for all keys that one setting leaves without effect wherever they hold.
  void Tell(ConfigNotes& notes) const;

 private:
  struct Seen {
    bool acts;
    ConfigPlace place;
    std::string key = {};
    std::string beside = {};
  };
  std::map<std::tuple<int, int, std::string_view>, Seen> seen_;  // by position
};

struct RestrictionOptions {
  // Nothing: no device was chosen, and none's limits hold.
  std::optional<TargetDevice> target_device;
  bool extensions = false;  // what works here although the vendor refuses it is let through
  Compat compat = Compat::kNone;
};

// Combinations that the vendor's tool refuses, for the types in `set` whose datatype is int. `what`
// names the object in messages ("", "layer_quantize_config[2]: ").
void CheckRestrictions(const ParameterSet& set, const RestrictionOptions& options,
                       const std::string& what, ConfigProblems& problems);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_VITIS_PARAMETERS_H_
