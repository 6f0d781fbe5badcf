// A float model and its quantized form in one, with a switch at every node.
#ifndef QCONVERT_SRC_PIPELINE_SWITCHED_MODEL_H_
#define QCONVERT_SRC_PIPELINE_SWITCHED_MODEL_H_

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

// A place where both models compute the same values.
struct Switch {
  size_t node = 0;                  // of the float graph, that writes them
  std::vector<std::string> values;  // as they are called in both models, and in the switched one
};

struct SwitchedModel {
  Model model;                   // inputs and outputs of the float one, and `input`
  std::string input;             // bool [switches.size()]: which are quantized
  std::vector<Switch> switches;  // in the order of the float graph's nodes
};

// Joins the graphs at the float32 values that nodes write under one name in both:
//
//   x --> nodes of the float graph ------> y (float)     --+
//   x --> nodes of the quantized graph --> y (quantized) --+--> Where(switch) --> y
//
// With no switch on it is the float model, with all on the quantized one: any node can be looked at
// alone, or left out, without making and loading a model for it. The grid of a value counts with
// the node that writes it where nobody else reads its floats, else with those that read its codes:
//
//   Conv -> Q -> DQ -> y       the switch of the Conv, with its weights
//   y -> Q -> DQ -> Conv       the switch of the Conv that reads
//
// Nodes that are the same in both have no switch, nor have those that work on codes (their floats
// are on the grid already). To be run without integer kernels: what those do beyond Q and DQ
// (saturation of 16-bit sums) is not in it. `quantized` must have been made from `exact`, and read
// its inputs. Linear in nodes.
SwitchedModel MakeSwitched(const Model& exact, const Model& quantized);

// The same with switches at these nodes of the float graph only; all others are off.
SwitchedModel MakeSwitchedAt(const Model& exact, const Model& quantized,
                             const std::set<size_t>& nodes);

// A session of `switched` that gives `shown.outputs`; float kernels alone.
std::shared_ptr<const Session> OpenSwitched(const Model& shown, const std::string& place);

// The switched model as if it were one of its two, or something between.
class SwitchedSession : public Session {
 public:
  // `session`: of `switched.model`, or of that with other outputs.
  SwitchedSession(std::shared_ptr<const Session> session, const SwitchedModel& switched,
                  const std::set<size_t>& on);

  const std::vector<Value>& inputs() const override { return session_->inputs(); }
  const std::vector<Value>& outputs() const override { return session_->outputs(); }
  std::vector<Tensor> Run(std::span<const Tensor> inputs, ValueObserver* observer) const override;

 private:
  std::shared_ptr<const Session> session_;
  Tensor switches_;
};

// The value of `switched.input` with these on.
Tensor SwitchFlags(const SwitchedModel& switched, const std::set<size_t>& on);

// The numbers of all switches.
std::set<size_t> AllSwitches(const SwitchedModel& switched);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SWITCHED_MODEL_H_
