/* Ends before the optional functions: what lies behind must not be read. */
#include "base.h"

#undef SIZE
#define SIZE offsetof(unmask_plugin, read_top)
#undef READ_TOP
#define READ_TOP (unmask_status (*)(void *, const unmask_top_table *, unmask_error_slot *))16
#undef COPY
#define COPY (unmask_status (*)(void *, uint32_t, uint32_t, unmask_error_slot *))16
#undef CLEAR
#define CLEAR (unmask_status (*)(void *, uint32_t, unmask_error_slot *))16
#undef RESERVE
#define RESERVE (unmask_status (*)(void *, uint32_t, unmask_error_slot *))16
#undef EXPORT
#define EXPORT (unmask_status (*)(const unmask_load_table *, unmask_text, unmask_error_slot *))16

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
