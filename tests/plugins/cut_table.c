/* Ends within its functions about slots, in the middle of a pointer: what lies behind must not be read. */
#include "base.h"

static unmask_status copy(void *session, uint32_t from, uint32_t to, unmask_error_slot *error) {
  (void)session, (void)from, (void)to, (void)error;
  return UNMASK_OK;
}

static unmask_status claiming_facts(const void *model, unmask_facts_row *out, unmask_error_slot *error) {
  unmask_status status = good_facts(model, out, error);
  out->capabilities |= UNMASK_CAP_KV_CACHE;
  return status;
}

#undef FACTS
#define FACTS claiming_facts
#undef SIZE
#define SIZE (offsetof(unmask_plugin, slot_clear) + 4)
#undef COPY
#define COPY copy
#undef CLEAR
#define CLEAR (unmask_status (*)(void *, uint32_t, unmask_error_slot *))16
#undef RESERVE
#define RESERVE (unmask_status (*)(void *, uint32_t, unmask_error_slot *))16
#undef EXPORT
#define EXPORT (unmask_status (*)(const unmask_load_table *, unmask_text, unmask_error_slot *))16

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
