/* Where rp_element_report puts what it is told: set while elements are opened and attached, for this thread. */
#ifndef CORE_CONFIG_ELEMENT_H
#define CORE_CONFIG_ELEMENT_H

#include "core/config/bot.h"

void element_report_to(struct report *report); /* NULL: to the log */

#endif
