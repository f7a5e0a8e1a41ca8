/* Gives numbers that cannot be; the first fed token tells which. */
#include "base.h"

static unmask_status bad_read_logits(void *session, const unmask_logits_table *out, unmask_error_slot *error) {
  float zero = 0.0f;
  unmask_status status = good_read_logits(session, out, error);
  uint32_t which = ((good_session *)session)->first_token;
  if (which == 1) out->logits[out->logits_len - 1] = zero / zero;
  if (which == 2) out->logits[0] = -1.0f / zero;
  return status;
}

static unmask_status bad_read_top(void *session, const unmask_top_table *out, unmask_error_slot *error) {
  double zero = 0.0;
  unmask_status status = good_read_top(session, out, error);
  uint32_t which = ((good_session *)session)->first_token;
  if (which == 1) out->ids[0] = VOCAB;
  if (which == 2) out->logits[1] = out->logits[0] + 1.0f;
  if (which == 3) out->entropy[0] = zero / zero;
  if (which == 4) out->tail[0] = 7.5;
  if (which == 5) out->ids[0] = out->banned[0];
  if (which == 6) out->asked_logits[0] = (float)(1.0 / zero);
  return status;
}

#undef READ_LOGITS
#define READ_LOGITS bad_read_logits
#undef READ_TOP
#define READ_TOP bad_read_top

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
