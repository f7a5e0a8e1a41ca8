/* Says nothing of its runtimes, instead of being silent about them. */
#include "base.h"

#undef RUNTIMES
#define RUNTIMES ""

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
