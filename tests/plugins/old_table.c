/* Ends before the optional fields: what lies behind must not be read. */
#include "base.h"

#undef SIZE
#define SIZE offsetof(unmask_plugin, forward_top)
#undef FORWARD_TOP
#define FORWARD_TOP (unmask_status (*)(void *, const unmask_pass_table *, const unmask_top_table *, unmask_error_slot *))16
#undef RUNTIMES
#define RUNTIMES ((const char *)16)
#undef EXPORT
#define EXPORT (unmask_status (*)(const unmask_load_table *, unmask_text, unmask_error_slot *))16

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
