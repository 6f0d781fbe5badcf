#include "words.h"

namespace qconvert {
namespace {

template <typename E>
using Word = std::pair<E, std::string_view>;

constexpr Word<TargetDevice> kTargetDevices[] = {{TargetDevice::kCpu, "CPU"},
                                                 {TargetDevice::kGpu, "GPU"},
                                                 {TargetDevice::kDpu, "DPU"},
                                                 {TargetDevice::kBpu, "BPU"},
                                                 {TargetDevice::kQnn, "QNN"}};
constexpr Word<Scheme> kSchemes[] = {{Scheme::kAuto, "auto"},
                                     {Scheme::kStatic, "static"},
                                     {Scheme::kDynamic, "dynamic"},
                                     {Scheme::kWeightOnly, "weight-only"}};
constexpr Word<Objective> kObjectives[] = {
    {Objective::kBalanced, "balanced"}, {Objective::kSpeed, "speed"}, {Objective::kSize, "size"}};
constexpr Word<Processor> kProcessors[] = {{Processor::kAny, "any"},
                                           {Processor::kAvx2, "avx2"},
                                           {Processor::kVnni, "vnni"},
                                           {Processor::kArmDot, "arm_dot"},
                                           {Processor::kHost, "host"}};
constexpr Word<Effort> kEfforts[] = {
    {Effort::kFast, "fast"}, {Effort::kNormal, "normal"}, {Effort::kHigh, "high"}};
constexpr Word<Datatype> kDatatypes[] = {{Datatype::kInt, "int"},
                                         {Datatype::kBfloat16, "bfloat16"},
                                         {Datatype::kFloat16, "float16"},
                                         {Datatype::kFloat32, "float32"}};
constexpr Word<CalibrationMethod> kMethods[] = {
    {CalibrationMethod::kMaxMin, "maxmin"},
    {CalibrationMethod::kPercentile, "percentile"},
    {CalibrationMethod::kEntropy, "entropy"},
    {CalibrationMethod::kMse, "mse"},
    {CalibrationMethod::kDiffs, "diffs"},
    {CalibrationMethod::kMovingAverageAbsMax, "moving_average_abs_max"},
    {CalibrationMethod::kRangeAbsMax, "range_abs_max"},
    {CalibrationMethod::kAuto, "auto"}};
constexpr Word<RoundMode> kRoundModes[] = {{RoundMode::kHalfEven, "half_even"},
                                           {RoundMode::kHalfUp, "half_up"},
                                           {RoundMode::kHalfDown, "half_down"},
                                           {RoundMode::kStdRound, "std_round"}};
constexpr Word<ScaleType> kScaleTypes[] = {{ScaleType::kFloat, "float"},
                                           {ScaleType::kPowerOfTwo, "poweroftwo"}};
constexpr Word<BatchStatistic> kStatistics[] = {{BatchStatistic::kAll, "all"},
                                                {BatchStatistic::kModal, "modal"},
                                                {BatchStatistic::kMax, "max"},
                                                {BatchStatistic::kMean, "mean"},
                                                {BatchStatistic::kMedian, "median"}};
constexpr Word<Compat> kCompats[] = {{Compat::kNone, "none"}, {Compat::kVitis, "vitis"}};
constexpr Word<TensorType> kTypes[] = {{TensorType::kInput, "input"},
                                       {TensorType::kWeights, "weights"},
                                       {TensorType::kBias, "bias"},
                                       {TensorType::kActivation, "activation"}};
constexpr Word<InputKind> kInputKinds[] = {
    {InputKind::kFeaturemap, "featuremap"}, {InputKind::kRgb, "rgb"},   {InputKind::kBgr, "bgr"},
    {InputKind::kYuv444, "yuv444"},         {InputKind::kGray, "gray"}, {InputKind::kNv12, "nv12"}};
constexpr Word<InputLayout> kLayouts[] = {
    {InputLayout::kNone, "none"}, {InputLayout::kNchw, "NCHW"}, {InputLayout::kNhwc, "NHWC"}};
constexpr Word<InputSource> kSources[] = {{InputSource::kDdr, "ddr"},
                                          {InputSource::kPyramid, "pyramid"},
                                          {InputSource::kResizer, "resizer"}};
constexpr Word<InterpMode> kInterpModes[] = {{InterpMode::kBilinear, "bilinear"},
                                             {InterpMode::kNearest, "nearest"}};
constexpr Word<PadMode> kPadModes[] = {{PadMode::kConstant, "constant"},
                                       {PadMode::kBorder, "border"}};
constexpr Word<ResizeMethod> kResizes[] = {{ResizeMethod::kAntialias, "antialias"},
                                           {ResizeMethod::kBilinear, "bilinear"},
                                           {ResizeMethod::kNearest, "nearest"}};
constexpr Word<PicturePosition> kPositions[] = {{PicturePosition::kCenter, "center"},
                                                {PicturePosition::kTopLeft, "top_left"}};

}  // namespace

WordTable<TargetDevice> WordsOf(TargetDevice /*tag*/) { return kTargetDevices; }
WordTable<Scheme> WordsOf(Scheme /*tag*/) { return kSchemes; }
WordTable<Objective> WordsOf(Objective /*tag*/) { return kObjectives; }
WordTable<Processor> WordsOf(Processor /*tag*/) { return kProcessors; }
WordTable<Effort> WordsOf(Effort /*tag*/) { return kEfforts; }
WordTable<Datatype> WordsOf(Datatype /*tag*/) { return kDatatypes; }
WordTable<CalibrationMethod> WordsOf(CalibrationMethod /*tag*/) { return kMethods; }
WordTable<RoundMode> WordsOf(RoundMode /*tag*/) { return kRoundModes; }
WordTable<ScaleType> WordsOf(ScaleType /*tag*/) { return kScaleTypes; }
WordTable<BatchStatistic> WordsOf(BatchStatistic /*tag*/) { return kStatistics; }
WordTable<Compat> WordsOf(Compat /*tag*/) { return kCompats; }
WordTable<TensorType> WordsOf(TensorType /*tag*/) { return kTypes; }
WordTable<InputKind> WordsOf(InputKind /*tag*/) { return kInputKinds; }
WordTable<InputLayout> WordsOf(InputLayout /*tag*/) { return kLayouts; }
WordTable<InputSource> WordsOf(InputSource /*tag*/) { return kSources; }
WordTable<InterpMode> WordsOf(InterpMode /*tag*/) { return kInterpModes; }
WordTable<PadMode> WordsOf(PadMode /*tag*/) { return kPadModes; }
WordTable<ResizeMethod> WordsOf(ResizeMethod /*tag*/) { return kResizes; }
WordTable<PicturePosition> WordsOf(PicturePosition /*tag*/) { return kPositions; }

}  // namespace qconvert
