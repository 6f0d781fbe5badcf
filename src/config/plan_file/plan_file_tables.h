// The keys of quant_info.json.
#ifndef QCONVERT_CONFIG_PLAN_FILE_PLAN_FILE_TABLES_H_
#define QCONVERT_CONFIG_PLAN_FILE_PLAN_FILE_TABLES_H_

#include "text/setting_table.h"

namespace qconvert {

const SettingTable& PlanFileTable();

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_PLAN_FILE_PLAN_FILE_TABLES_H_
