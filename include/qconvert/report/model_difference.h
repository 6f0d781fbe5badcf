// Where two models that should be one differ.
#ifndef QCONVERT_REPORT_MODEL_DIFFERENCE_H_
#define QCONVERT_REPORT_MODEL_DIFFERENCE_H_

#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

struct Difference {
  std::string where;  // "tensor w", "node /conv", "metadata qconvert.version", "file"
  std::string found;
  std::string expected;  // "" for what should not be there

  // One line: "tensor w: element 3 is 7, expected 5".
  std::string Line() const;
};

// Fields of the model, metadata, initializers by name, nodes in their order, inputs and outputs.
// What it does not look at (annotations, functions, documentation of values) the caller finds by
// comparing bytes. Linear in the sizes of both.
std::vector<Difference> DiffModels(const Model& found, const Model& expected);

// The lines of two texts that differ, by number: "quant_info line 12".
std::vector<Difference> DiffLines(const std::string& what, const std::string& found,
                                  const std::string& expected);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_MODEL_DIFFERENCE_H_
