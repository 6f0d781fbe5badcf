#include "take_in_held_out.h"

#include <utility>

#include "qconvert/plan/choose_scheme.h"

namespace qconvert {
namespace {

// What a coarser grid may cost samples that none of the ranges clips.
constexpr double kMostTimesTheNoise = 2;

}  // namespace

bool TakeInHeldOut(const PlanInputs& inputs, ChosenPlan& chosen) {
  if (!chosen.guard.ran || !AnyInteger(chosen.plan.placement)) return false;
  ChosenPlan of_all{.scheme = {}, .decisions = chosen.decisions};
  CompletePlans(inputs, of_all);
  Measured measured = MeasurePlan(inputs, of_all.plan);
  const double before = JudgeOutputs(chosen.outputs, inputs.gate).noise;
  const double after = measured.judged_noise();
  if (after > kMostTimesTheNoise * before || (chosen.guard.passed && !measured.verdict.passed))
    return false;
  if (after > before) chosen.outputs = std::move(measured.outputs);
  chosen.plan = std::move(of_all.plan);
  chosen.plain = std::move(of_all.plain);
  return true;
}

}  // namespace qconvert
