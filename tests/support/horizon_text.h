// Texts of the Horizon language for tests: one featuremap input, sections can be replaced.
#ifndef QCONVERT_TESTS_SUPPORT_HORIZON_TEXT_H_
#define QCONVERT_TESTS_SUPPORT_HORIZON_TEXT_H_

#include <string>

namespace qconvert {

struct HorizonSections {
  std::string model = "  onnx_model: net.onnx\n  march: nash-e\n";
  std::string input = "  input_type_rt: featuremap\n  input_type_train: featuremap\n";
  std::string calibration = "  cal_data_dir: cal\n";
  std::string rest;

  std::string Text() const {
    return "model_parameters:\n" + model + "input_parameters:\n" + input +
           "calibration_parameters:\n" + calibration + rest;
  }
};

inline std::string ModelText(const std::string& more) {
  HorizonSections sections;
  sections.model += more;
  return sections.Text();
}
inline std::string InputText(const std::string& input) {
  return HorizonSections{.input = input}.Text();
}
inline std::string CalibrationText(const std::string& more) {
  HorizonSections sections;
  sections.calibration += more;
  return sections.Text();
}
inline std::string CompilerText(const std::string& more) {
  return HorizonSections{.rest = "compiler_parameters:\n" + more}.Text();
}
// An image input of the float model, fed as `rt`.
inline std::string ImageText(const std::string& rt, const std::string& train,
                             const std::string& more) {
  return InputText("  input_type_rt: " + rt + "\n  input_type_train: " + train +
                   "\n  input_layout_train: NCHW\n" + more);
}

inline std::string MarchText(const std::string& march, const std::string& text) {
  std::string out = text;
  return out.replace(out.find("nash-e"), 6, march);
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_HORIZON_TEXT_H_
