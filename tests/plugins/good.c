/* Keeps every promise. */
#include "base.h"

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
