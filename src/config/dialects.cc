#include "dialect.h"
#include "horizon/horizon.h"
#include "paddle/paddle.h"
#include "quark/quark.h"
#include "vitis/vitis.h"

namespace qconvert {

std::span<const Dialect> Dialects() {
  static constexpr Dialect kDialects[] = {
      {.name = "Vitis",
       .table = VitisTable,
       .rules = RulesOfVitis,
       .normalize = NormalizeVitis,
       .override_path = VitisOverridePath,
       .keep_float = KeepFloatInVitis,
       .read = ReadVitis},
      {.name = "Paddle",
       .table = PaddleTable,
       .rules = RulesOfPaddle,
       .normalize = NormalizePaddle,
       .override_path = PaddleOverridePath,
       .keep_float = KeepFloatInPaddle,
       .translate = TranslatePaddle},
      {.name = "Horizon",
       .table = HorizonTable,
       .rules = RulesOfHorizon,
       .normalize = NormalizeHorizon,
       .override_path = HorizonOverridePath,
       .keep_float = KeepFloatInHorizon,
       .read = ReadHorizon},
      {.name = "Quark",
       .table = QuarkTable,
       .rules = RulesOfQuark,
       .normalize = NormalizeQuark,
       .override_path = QuarkOverridePath,
       .keep_float = KeepFloatInQuark,
       .translate = TranslateQuark},
  };
  return kDialects;
}

}  // namespace qconvert
