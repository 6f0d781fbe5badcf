// Fast finetuning in the Vitis language.
#ifndef QCONVERT_SRC_CONFIG_VITIS_FINETUNE_H_
#define QCONVERT_SRC_CONFIG_VITIS_FINETUNE_H_

#include "qconvert/config/learning_settings.h"
#include "text/setting_table.h"

namespace qconvert {

// fast_finetune.
const SettingTable& FinetuneTable();

// What a checked map says, on top of the vendor's defaults: AdaQuant of weights and biases with
// steps of 0.01 of the weights' deviation, until nothing gets better. Null: the defaults. Source:
// vai_q_pytorch, pytorch_nndct/qproc/adaquant.py.
LearningSettings ReadFinetune(const ConfigNode* written);

}  // namespace qconvert

#endif  // QCONVERT_SRC_CONFIG_VITIS_FINETUNE_H_
