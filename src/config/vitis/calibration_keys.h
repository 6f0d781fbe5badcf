// The section `calibration`: where samples are and how they are read.
#ifndef QCONVERT_CONFIG_VITIS_CALIBRATION_KEYS_H_
#define QCONVERT_CONFIG_VITIS_CALIBRATION_KEYS_H_

#include "dialect.h"

namespace qconvert {

// `printed` is `written` once more, in which folders become what they are from any folder.
CalibrationSettings ReadCalibrationKeys(const ConfigNode& written, ReadContext& context,
                                        ConfigNode& printed);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_VITIS_CALIBRATION_KEYS_H_
