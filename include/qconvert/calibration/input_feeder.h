// The complete inputs of a model: samples from files, and states.
#ifndef QCONVERT_CALIBRATION_INPUT_FEEDER_H_
#define QCONVERT_CALIBRATION_INPUT_FEEDER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

// Where an input without data comes from: zeros at first, then, when `output` is named, that output
// of the run before.
struct StateInput {
  std::string input;
  std::string output;  // "" : always zero
};

// Runs one sample; what fails names it.
std::vector<Tensor> RunSample(const Session& session, const Sample& sample,
                              ValueObserver* observer = nullptr);

// Supplies the complete inputs of sample `index`, from files and states.
class InputFeeder {
 public:
  // `inputs`: all model inputs. Free dimensions of a state input are 1, or take the size that the
  // same symbol has in the sample's data.
  InputFeeder(const SampleSource& samples, std::vector<Value> inputs,
              std::vector<StateInput> states);

  size_t size() const { return samples_.size(); }
  bool has_feedback() const;
  // `previous` holds the outputs of the run before (with feedback only), or is empty for the first
  // sample.
  Sample Read(size_t index, const std::vector<Tensor>& previous) const;

 private:
  const SampleSource& samples_;
  std::vector<Value> inputs_;
  std::vector<StateInput> states_;
};

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_INPUT_FEEDER_H_
