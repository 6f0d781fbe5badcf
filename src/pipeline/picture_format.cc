#include "picture_format.h"

#include <fmt/format.h>

#include <algorithm>

#include "qconvert/base/error.h"

namespace qconvert {
namespace {

using Kind = CalibTransform::Kind;

constexpr double kCenter = 128;
constexpr double kBlack = 16;  // Y of black in video range
constexpr double kLumaGain = 219.0 / 255;
constexpr double kChromaGain = 224.0 / 255;

const CalibTransform* FindStep(const std::vector<CalibTransform>& steps, Kind kind) {
  const auto it = std::find_if(steps.begin(), steps.end(),
                               [&](const CalibTransform& step) { return step.kind == kind; });
  return it == steps.end() ? nullptr : &*it;
}

bool IsChannels(const Dim& dim) { return dim.known() && (dim.value == 1 || dim.value == 3); }

InputLayout LayoutOf(const std::vector<CalibTransform>& steps, const InputSettings* settings,
                     const std::vector<Dim>& shape) {
  if (const CalibTransform* step = FindStep(steps, Kind::kLayout)) return step->layout;
  if (settings != nullptr && settings->layout_train != InputLayout::kNone)
    return settings->layout_train;
  return IsChannels(shape[shape.size() - 3]) ? InputLayout::kNchw : InputLayout::kNhwc;
}

InputKind ColorOf(const std::vector<CalibTransform>& steps, const InputSettings* settings,
                  int64_t channels) {
  if (const CalibTransform* step = FindStep(steps, Kind::kColor)) return step->color;
  if (settings != nullptr && settings->kind_train != InputKind::kFeaturemap)
    return settings->kind_train;
  return channels == 1 ? InputKind::kGray : InputKind::kRgb;
}

// Sizes that are left out; `format.unfit` says why one cannot be.
void FillSize(const PictureInput& input, CalibTransform& step, PictureFormat& format) {
  const bool has_size = step.height > 0 || step.short_side > 0 || step.multiple > 0;
  if (step.kind >= Kind::kColor || has_size) return;
  step.height = input.height;
  step.width = input.width;
  if (input.height == 0 || input.width == 0)
    format.unfit = "has a free height or width, expected a size in calib_transforms";
}

std::vector<double> PerChannel(const std::vector<double>& numbers, const PictureInput& input,
                               PictureFormat& format) {
  const auto channels = static_cast<size_t>(input.channels);
  if (numbers.size() == 1) return std::vector<double>(channels, numbers[0]);
  if (numbers.size() != channels)
    format.unfit =
        fmt::format("has {} channels, and calib_transforms {} numbers", channels, numbers.size());
  return numbers;
}

void AddScaling(const std::vector<CalibTransform>& steps, const InputSettings* settings,
                const PictureInput& input, PictureFormat& format) {
  const auto channels = static_cast<size_t>(input.channels);
  PixelScaling& scaling = format.scaling;
  scaling.channel_axis = input.channel_axis;
  const CalibTransform* mean = FindStep(steps, Kind::kMean);
  const CalibTransform* scale = FindStep(steps, Kind::kScale);
  const CalibTransform* std = FindStep(steps, Kind::kStd);
  if (mean == nullptr && scale == nullptr && std == nullptr) {
    for (size_t c = 0; settings != nullptr && settings->normalizes() && c < channels; ++c) {
      scaling.mean.push_back(settings->MeanOf(c));
      scaling.scale.push_back(settings->ScaleOf(c));
    }
    return;
  }
  scaling.mean =
      mean != nullptr ? PerChannel(mean->numbers, input, format) : std::vector<double>(channels, 0);
  scaling.scale.assign(channels, 1);
  if (scale != nullptr) scaling.scale = PerChannel(scale->numbers, input, format);
  if (std == nullptr) return;
  scaling.scale = PerChannel(std->numbers, input, format);
  for (double& number : scaling.scale) number = 1 / number;
}

// Kinds in front of the color change places of pixels, not their numbers.
bool IsGeometry(const CalibTransform& step) { return step.kind < Kind::kColor; }

InputLayout RuntimeLayout(InputLayout train, const Value& input) {
  if (!input.type.shape || input.type.shape->size() != 4) return train;
  const std::vector<Dim>& shape = *input.type.shape;
  const bool may_be_nchw = IsChannels(shape[1]);
  const bool may_be_nhwc = IsChannels(shape[3]);
  // Sizes alone do not tell.
  if (may_be_nchw == may_be_nhwc) return train;
  return may_be_nchw ? InputLayout::kNchw : InputLayout::kNhwc;
}

// What a deployed model takes, said as of a float model.
InputSettings RuntimeSettings(const InputSettings& settings, const Value& input) {
  InputSettings out;
  out.layout_train = RuntimeLayout(settings.layout_train, input);
  out.kind_train = settings.kind_rt == InputKind::kNv12 ? InputKind::kYuv444 : settings.kind_rt;
  if (input.type.element != DataType::kInt8) return out;
  out.mean = {kCenter};
  // A float model of YUV is given what comes as it is.
  const bool converts = settings.kind_train != out.kind_train;
  if (settings.range == YuvRange::kFull || out.kind_train != InputKind::kYuv444 || !converts)
    return out;
  // ITU-R BT.601: 16 + Y 219 / 255 and 128 + (U - 128) 224 / 255, then less 128.
  out.mean = {(kCenter - kBlack) / kLumaGain, kCenter, kCenter};
  out.scale = {kLumaGain, kChromaGain, kChromaGain};
  return out;
}

PictureFormat FormatBySettings(const std::vector<CalibTransform>& steps,
                               const InputSettings* settings, const Value& input) {
  const PictureInput picture = PictureInputOf(steps, settings, input);
  PictureFormat format{.unfit = picture.unfit, .steps = {}, .scaling = {}};
  if (!format.unfit.empty()) return format;
  const bool is_free = picture.height == 0 || picture.width == 0;
  if (std::none_of(steps.begin(), steps.end(), IsGeometry) && !is_free)
    format.steps.push_back({.kind = Kind::kResize});
  for (const CalibTransform& step : steps) {
    if (step.kind <= Kind::kColor) format.steps.push_back(step);
  }
  if (FindStep(steps, Kind::kColor) == nullptr)
    format.steps.push_back({.kind = Kind::kColor, .color = picture.color});
  for (CalibTransform& step : format.steps) FillSize(picture, step, format);
  AddScaling(steps, settings, picture, format);
  return format;
}

}  // namespace

PictureInput PictureInputOf(const std::vector<CalibTransform>& steps, const InputSettings* settings,
                            const Value& input) {
  PictureInput out;
  const size_t rank = input.type.shape ? input.type.shape->size() : 0;
  if (rank != 3 && rank != 4) {
    out.unfit = "has no shape of three or four dimensions";
    return out;
  }
  const std::vector<Dim>& shape = *input.type.shape;
  const size_t first = rank - 3;  // behind the batch
  // A free batch is fed one picture at a time.
  if (rank == 4 && shape[0].known() && shape[0].value != 1) {
    out.unfit = fmt::format("has a batch of {}, pictures fill one of 1", shape[0].value);
    return out;
  }
  out.layout = LayoutOf(steps, settings, shape);
  const bool channels_last = out.layout == InputLayout::kNhwc;
  out.channel_axis = channels_last ? rank - 1 : first;
  const Dim& channels = shape[out.channel_axis];
  const auto known = [](const Dim& dim) { return dim.known() ? dim.value : 0; };
  out.height = known(shape[channels_last ? first : first + 1]);
  out.width = known(shape[channels_last ? first + 1 : first + 2]);
  out.color = ColorOf(steps, settings, known(channels));
  out.channels = out.color == InputKind::kGray ? 1 : 3;
  if (channels.known() && channels.value != out.channels) {
    out.unfit = fmt::format("has {} channels on axis {}, pictures have {}", channels.value,
                            out.channel_axis, out.channels);
  }
  return out;
}

bool TakesRuntimePixels(const InputSettings& settings, const Value& input) {
  const InputKind kind = settings.kind_rt;
  if (kind == InputKind::kFeaturemap) return false;
  const DataType type = input.type.element;
  return type == DataType::kInt8 || (type == DataType::kUint8 && kind == InputKind::kGray);
}

PictureFormat MakePictureFormat(const std::vector<CalibTransform>& steps,
                                const InputSettings* settings, const Value& input) {
  if (settings == nullptr || !TakesRuntimePixels(*settings, input))
    return FormatBySettings(steps, settings, input);
  std::vector<CalibTransform> sizes = steps;
  std::erase_if(sizes, [](const CalibTransform& step) { return !IsGeometry(step); });
  const InputSettings runtime = RuntimeSettings(*settings, input);
  return FormatBySettings(sizes, &runtime, input);
}

PixelScaling WithoutFolded(const PixelScaling& scaling, const PixelScaling& folded) {
  // ((x - m) k) / s + f  =  (x - (m - f s / k)) (k / s)
  PixelScaling out{{}, {}, scaling.channel_axis};
  for (size_t c = 0; c < folded.mean.size(); ++c) {
    const double mean = scaling.mean.empty() ? 0 : scaling.mean.at(c);
    const double scale = scaling.scale.empty() ? 1 : scaling.scale.at(c);
    out.mean.push_back(mean - folded.mean[c] * folded.scale[c] / scale);
    out.scale.push_back(scale / folded.scale[c]);
  }
  return out;
}

}  // namespace qconvert
