#include "check_pixels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "calibration_data.h"
#include "check_samples.h"
#include "sample_statistics.h"

namespace qconvert {
namespace {

// Unclipped color conversion gives levels of -180 to 480; raw pixels undone with the usual scales
// of 1/58 to 1/255 thousands.
constexpr double kLeastLevel = -512;
constexpr double kMostLevel = 1024;
constexpr double kLevels = 255;
// Normalized data reach about -3 to 3; the darkest picture with anything in it more.
constexpr double kFlat = 8;
constexpr double kBlack = 16;        // of video range
constexpr double kUnitSpread = 0.5;  // that values of 0..1 must cover to look like it
constexpr double kNearer = 0.5;
constexpr size_t kFewestNumbers = 16;  // flags and sizes may be constant

// What an image input is declared to be; nothing of other inputs.
struct Declared {
  const InputSettings* settings = nullptr;
  PixelScaling scaling;

  bool is_image() const { return !scaling.mean.empty(); }
};

Declared DeclaredOf(const QuantConfig& config, const Value& input, const FoldedInputs& folded) {
  Declared declared{FindInputSettings(config.deployment, input.name), {}};
  const PictureFormat format =
      MakePictureFormat(config.calibration.transforms, declared.settings, input);
  const bool is_featuremap =
      declared.settings != nullptr && declared.settings->kind_train == InputKind::kFeaturemap;
  if (format.unfit.empty() && !is_featuremap) declared.scaling = format.scaling;
  const auto own = folded.find(input.name);
  if (declared.is_image() && own != folded.end())
    declared.scaling = WithoutFolded(declared.scaling, own->second);
  return declared;
}

// Everything seen of one input.
class InputCheck {
 public:
  InputCheck(const Value& input, const Declared& declared, bool is_raw_domain,
             const std::vector<SampleSeen>& samples)
      : name_(input.name),
        samples_(samples.size()),
        declared_(declared),
        is_raw_domain_(is_raw_domain && declared.settings != nullptr) {
    channels_.resize(std::max<size_t>(declared.scaling.mean.size(), 1));
    for (const SampleSeen& sample : samples) {
      const auto seen = sample.inputs.find(name_);
      // Beside other inputs, states start with nothing but zeros.
      const bool may_be_constant = !declared.is_image() && sample.inputs.size() > 1;
      if (seen != sample.inputs.end()) Add(sample.name, seen->second, may_be_constant);
    }
  }

  void Tell(std::vector<std::string>& oddities) const {
    if (values_.count > 0 && declared_.is_image()) {
      std::vector<std::string> names;
      std::string domain = Domain(names);
      if (domain.empty() && samples_ >= kFewSamples) {
        domain = Swapped();
        names.clear();
        for (const ImageSeen& one : images_) names.push_back(one.name);
      }
      if (!domain.empty()) oddities.push_back(domain + InSamples(names));
    }
    const auto tell = [&](const char* what, const std::vector<std::string>& names) {
      if (names.empty()) return;
      oddities.push_back(
          fmt::format("samples of input \"{}\" {}: {}", name_, what, FirstNames(names)));
    };
    tell(declared_.is_image() ? "with one color alone" : "with one number in all of its elements",
         constant_);
    tell("that are black, with no level above 16", black_);
  }

 private:
  void Add(const std::string& sample, const std::vector<NumbersSeen>& seen, bool may_be_constant) {
    NumbersSeen whole;
    for (const NumbersSeen& channel : seen) whole.Add(channel);
    if (whole.count < kFewestNumbers && !declared_.is_image()) return;
    if (std::all_of(seen.begin(), seen.end(), [](const auto& one) { return one.is_constant(); })) {
      if (!may_be_constant) constant_.push_back(sample);
      return;
    }
    if (seen.size() != channels_.size()) return;  // the engine will say so
    values_.Add(whole);
    NumbersSeen levels;
    for (size_t c = 0; c < seen.size(); ++c) {
      channels_[c].Add(seen[c]);
      levels.Add(Level(seen[c].least, c));
      levels.Add(Level(seen[c].most, c));
    }
    levels_.Add(levels);
    images_.push_back({sample, levels});
    if (declared_.is_image() && levels.most - levels.least >= kFlat && levels.most <= kBlack &&
        levels.least >= -kBlack) {
      black_.push_back(sample);
    }
  }

  // What unclipped pixels may have.
  static bool HasLevels(const NumbersSeen& levels) {
    return levels.least >= kLeastLevel && levels.most <= kMostLevel;
  }

  double Level(double value, size_t channel) const {
    if (!declared_.is_image()) return value;
    return value / declared_.scaling.scale[channel] + declared_.scaling.mean[channel];
  }

  // `names` gets the samples that it is said of.
  std::string Domain(std::vector<std::string>& names) const {
    // Those that are as far out as all together; where all are near, every one.
    for (const ImageSeen& one : images_)
      if (!HasLevels(levels_) == !HasLevels(one.levels)) names.push_back(one.name);
    const std::string held = fmt::format("samples of input \"{}\" hold {:.4g} to {:.4g}", name_,
                                         is_raw_domain_ ? levels_.least : values_.least,
                                         is_raw_domain_ ? levels_.most : values_.most);
    if (levels_.most - levels_.least < kFlat) {
      return held + (is_raw_domain_
                         ? ", pixels of 0 to 255 are expected (J5 rule): were they normalized "
                           "already?"
                         : ", which mean and scale make of levels that differ by less than 8: were "
                           "they normalized twice?");
    }
    if (is_raw_domain_) return {};
    if (!HasLevels(levels_)) {
      return fmt::format(
          "{}, which mean and scale make of levels {:.4g} to {:.4g}, normalized pixels are expected"
          "{}: are they raw?",
          held, levels_.least, levels_.most, declared_.settings != nullptr ? " (J6 rule)" : "");
    }
    const double widest =
        kLevels * *std::max_element(declared_.scaling.scale.begin(), declared_.scaling.scale.end());
    // A scale of 1/255 makes numbers of 0 to 1 of right pixels.
    const bool is_unit = values_.least >= 0 && values_.most <= 1 &&
                         values_.most - values_.least > kUnitSpread && widest > 2;
    if (!is_unit) return {};
    return fmt::format(
        "{}, mean and scale make {:.3g} numbers wide ranges of pixels: are they scaled "
        "to 0 to 1, but not normalized?",
        held, widest);
  }

  // The mean of natural pictures differs by channel, and the declared one is theirs.
  std::string Swapped() const {
    const std::vector<double>& mean = declared_.scaling.mean;
    if (mean.size() != 3 || mean[0] == mean[2]) return {};
    std::array<double, 3> seen{};
    for (size_t c = 0; c < 3; ++c) seen[c] = Level(channels_[c].mean(), c);
    const auto distance = [&](double first, double last) {
      return std::hypot(seen[0] - first, seen[1] - mean[1], seen[2] - last);
    };
    if (!(distance(mean[2], mean[0]) < kNearer * distance(mean[0], mean[2]))) return {};
    return fmt::format(
        "samples of input \"{}\" have levels of {:.0f}, {:.0f} and {:.0f} by channel in the mean, "
        "nearer to the declared mean turned around ({:.0f}, {:.0f}, {:.0f}): are red and blue "
        "swapped?",
        name_, seen[0], seen[1], seen[2], mean[2], mean[1], mean[0]);
  }

  struct ImageSeen {
    std::string name;
    NumbersSeen levels;
  };

  const std::string& name_;
  const size_t samples_;
  const Declared& declared_;
  const bool is_raw_domain_;
  std::vector<NumbersSeen> channels_;
  NumbersSeen values_;             // as the float model takes them
  NumbersSeen levels_;             // with mean and scale undone
  std::vector<ImageSeen> images_;  // other than of one color
  std::vector<std::string> constant_;
  std::vector<std::string> black_;
};

void AddEqual(const std::vector<SampleSeen>& samples, std::vector<std::string>& oddities) {
  std::map<std::string, std::string> first;  // by contents
  std::vector<std::string> equal;
  for (const SampleSeen& sample : samples) {
    const auto [it, is_new] = first.emplace(sample.sha256, sample.name);
    if (!is_new) equal.push_back(it->second + " = " + sample.name);
  }
  if (!equal.empty()) oddities.push_back("samples that are equal: " + FirstNames(equal));
}

}  // namespace

std::vector<std::string> CheckPixels(const QuantConfig& config, const std::vector<Value>& inputs,
                                     const SampleSource& samples, std::span<const size_t> order,
                                     const FoldedInputs& folded) {
  std::vector<Declared> declared;
  std::map<std::string, size_t> axes;
  for (const Value& input : inputs) {
    declared.push_back(DeclaredOf(config, input, folded));
    if (declared.back().is_image()) axes[input.name] = declared.back().scaling.channel_axis;
  }
  const std::vector<SampleSeen> seen =
      LookAtSamples(samples, order.first(std::min(order.size(), kPixelSamples)), axes);
  const bool is_raw = config.deployment.calibration_domain == CalibrationDomain::kRaw;
  std::vector<std::string> oddities;
  for (size_t i = 0; i < inputs.size(); ++i)
    InputCheck(inputs[i], declared[i], is_raw, seen).Tell(oddities);
  AddEqual(seen, oddities);
  return oddities;
}

}  // namespace qconvert
