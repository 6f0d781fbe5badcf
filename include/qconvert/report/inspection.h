// What a model is and what would become of it: what qconvert inspect tells.
#ifndef QCONVERT_REPORT_INSPECTION_H_
#define QCONVERT_REPORT_INSPECTION_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace qconvert {

struct Inspection {
  struct Border {
    std::string name;
    std::string type;  // PrintType
  };
  struct Stored {
    int64_t elements = 0;
    int64_t bytes = 0;
  };
  // Nodes of one operator whose kernels take and write the same number types.
  struct Products {
    std::string op_type;
    std::string input;  // DataTypeName
    std::string weight;
    std::string output;
    size_t nodes = 0;
    double multiply_adds = 0;  // of one run
    double input_bytes = 0;    // of what is not constant, of one run
    double weight_bytes = 0;   // codes without scales and biases
    double output_bytes = 0;
  };

  std::string model;  // as the user named it
  int64_t file_bytes = 0;
  int64_t ir_version = 0;
  std::string producer;
  std::map<std::string, int64_t> opsets;  // "" is ai.onnx
  std::vector<Border> inputs;
  std::vector<Border> outputs;
  bool has_free_dimensions = false;          // of a value: they count as 1
  std::map<std::string, size_t> operators;   // of the file, bodies included; "domain:Type"
  size_t prepared_nodes = 0;                 // of all levels, after the float passes
  std::map<std::string, Stored> parameters;  // by element type, bodies included

  std::string target;
  std::string scheme;  // the estimate, without samples
  std::string scheme_reason;
  std::vector<Products> products;  // of the top level, most multiply-adds first
  // Multiply-adds of one run by what is multiplied: "uint8 x int8", "float x int8" (weights stored
  // in 8 bit), "float x float".
  std::map<std::string, double> MultiplyAdds() const;
  size_t integer_nodes = 0;
  size_t fused_nodes = 0;
  size_t float_nodes = 0;
  // Why nodes stay float: (operator, reason) -> names of the nodes.
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> float_reasons;
  // Of the nodes that an integer kernel takes: estimated time as placed over that in float.
  double time_ratio = 1;
  // The processors that the estimate is of: "with int8 dot products", "without ...", or of both, a
  // mean that integers were placed by.
  std::string time_of;
  int64_t expected_bytes = 0;  // with all weights that pay in 8 bit
  std::vector<std::string> warnings;
};

// The table for people.
std::string FormatInspection(const Inspection& inspection);

// All of it for scripts.
std::string InspectionJson(const Inspection& inspection, const std::string& exit_class);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_INSPECTION_H_
