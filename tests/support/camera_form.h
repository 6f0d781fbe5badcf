// A camera file of the Horizon language, the network that it is for, and frames with what they mean
// to that network by the definitions of the formats.
#ifndef QCONVERT_TESTS_SUPPORT_CAMERA_FORM_H_
#define QCONVERT_TESTS_SUPPORT_CAMERA_FORM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "support/temp_dir.h"

namespace qconvert {

// Choices that a camera file makes.
struct CameraForm {
  std::string march;
  std::string train;
  std::string rt;
  bool is_nhwc = false;
  std::string layout_rt;  // "": not said
  std::string norm;       // "", mean, scale or std, the latter two with a mean
  std::string source;     // "": not said
  size_t batch = 1;
  bool is_separate = false;
  std::string removal;  // a line of model_parameters
  std::string node_info;
  std::string calibration = "max";
  std::string output;  // "", int8 or int16
  bool is_video = false;
  bool folds = false;

  bool is_j5() const { return !march.starts_with("nash-"); }
  bool is_resizer() const { return source == "resizer"; }
  bool is_yuv() const { return rt == "nv12" || rt == "yuv444"; }
  bool is_image() const { return rt != "featuremap"; }
  size_t channels() const { return train == "gray" ? 1 : 3; }
};

void PrintTo(const CameraForm& form, std::ostream* out);

inline constexpr size_t kCameraSide = 8;  // of a frame
inline constexpr size_t kCameraPixels = kCameraSide * kCameraSide;

// What a camera gives: three channels of the runtime type, chroma equal in 2x2 blocks.
using Frame = std::array<std::array<uint8_t, kCameraPixels>, 3>;

Frame MakeFrame(const CameraForm& form, size_t seed);

std::string FileOf(const CameraForm& form);

Model Network(const CameraForm& form);

// Channels by pixel or planes, as the float model's layout is; in the training domain.
std::vector<double> TrainPixels(const CameraForm& form, const Frame& frame, bool normalize);

Tensor FloatInput(const CameraForm& form, const Frame& frame);

// J5: headerless pixels of the training domain; J6 and featuremaps: what the float model takes.
void WriteSample(const CameraForm& form, size_t seed, const TempDir& folder);

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_CAMERA_FORM_H_
