/* From a later minor version: its table has more fields than this program knows. */
/* The header declares the table as it is today; here the name belongs to a longer one. */
#define UNMASK_PLUGIN the_declared_table
#include "base.h"
#undef UNMASK_PLUGIN

typedef struct longer_plugin {
  unmask_plugin today;
  void (*tomorrow)(void);
  uint64_t more[4];
} longer_plugin;

#undef MINOR
#define MINOR (UNMASK_ABI_MINOR + 1)
#undef SIZE
#define SIZE sizeof(longer_plugin)

UNMASK_EXPORT const longer_plugin UNMASK_PLUGIN = {TABLE, NULL, {1, 2, 3, 4}};
