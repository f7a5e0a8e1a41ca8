/* As a plugin of minor version 0 was built: what lies behind must not be read. */
#include "base.h"

#undef MINOR
#define MINOR 0
#undef SIZE
#define SIZE offsetof(unmask_plugin, runtimes)
#undef RUNTIMES
#define RUNTIMES ((const char *)16)
#undef EXPORT
#define EXPORT (unmask_status (*)(const unmask_load_table *, unmask_text, unmask_error_slot *))16

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
