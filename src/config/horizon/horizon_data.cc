// calibration_parameters: where samples are and what the files hold.
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "horizon/horizon.h"
#include "read_transforms.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

class DataReader {
 public:
  explicit DataReader(const HorizonPart& part)
      : part_(part), data_(part.config.calibration), deployment_(part.config.deployment) {}

  void Read() {
    // Without inputs their number is told as a problem already.
    if (!deployment_.inputs.empty()) {
      ReadFolders();
      ReadDataType();
    }
    const ConfigNode* preprocess = part_.Find("preprocess_on");
    // Pictures are read anyway; with the key nothing else is.
    if (is_j5() && preprocess != nullptr && AsBool(*preprocess)) data_.format = "picture";
    if (const ConfigNode* list = part_.Find("calib_transforms"))
      data_.transforms = ReadTransforms(*list, part_.context.problems);
  }

 private:
  bool is_j5() const { return deployment_.generation == Generation::kJ5; }

  void ReadFolders() {
    const ConfigNode* folders = part_.Find("cal_data_dir");
    if (folders == nullptr) return;
    const std::vector<std::string> names = SplitPerInput(folders->scalar);
    const auto& inputs = deployment_.inputs;
    if (names.size() != inputs.size()) {
      part_.Refuse("cal_data_dir",
                   fmt::format("cal_data_dir has {} folders, expected {}, one per input",
                               names.size(), inputs.size()));
      return;
    }
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i].empty()) part_.Refuse("cal_data_dir", "cal_data_dir has an empty folder");
      const std::filesystem::path folder =
          ResolvePath(part_.context.FolderOf(folders->place), names[i]);
      // A single input may have no name: its folder is that of all.
      if (inputs.size() == 1) {
        data_.data = folder;
      } else {
        data_.input[inputs[i].name] = folder;
      }
    }
  }

  // The key wins over the folder's name, which is told.
  void ReadDataType() {
    const ConfigNode* value = part_.Find("cal_data_type");
    if (value == nullptr) return;
    const std::vector<std::string> types = SplitNames(value->scalar);
    auto& inputs = deployment_.inputs;
    if (!types.empty() && types.size() != inputs.size()) {
      part_.Refuse("cal_data_type", fmt::format("cal_data_type has {} values, expected {}, "
                                                "one per input",
                                                types.size(), inputs.size()));
      return;
    }
    for (size_t i = 0; i < types.size(); ++i) {
      if (types[i] != "uint8" && types[i] != "float32") {
        part_.Refuse("cal_data_type", fmt::format("cal_data_type is '{}', expected uint8 or "
                                                  "float32",
                                                  types[i]));
      } else if (is_j5()) {
        // J6 knows the key no more, see NoteDeprecated; its words are checked all the same.
        inputs[i].raw = types[i] == "uint8" ? RawElement::kUint8 : RawElement::kFloat32;
        CheckFolderName(inputs[i], *value);
      }
    }
  }

  void CheckFolderName(const InputSettings& input, const ConfigNode& type) {
    const auto own = data_.input.find(input.name);
    const std::filesystem::path& folder = own == data_.input.end() ? data_.data : own->second;
    if (input.raw == RawElement::kFloat32 || !folder.filename().string().ends_with("_f32")) return;
    part_.context.Warn(type.place, fmt::format("cal_data_type uint8 wins over the name of {}",
                                               folder.filename().string()));
  }

  const HorizonPart& part_;
  CalibrationSettings& data_;
  DeploymentConfig& deployment_;
};

}  // namespace

void ReadHorizonData(const HorizonPart& part) { DataReader(part).Read(); }

}  // namespace qconvert
