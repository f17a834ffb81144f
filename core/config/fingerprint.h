/* The bot's fingerprint: begun in bot_open, added to by elements that open, read from then on. */
#ifndef CORE_CONFIG_FINGERPRINT_H
#define CORE_CONFIG_FINGERPRINT_H

#include "core/config/bot.h"

void fingerprint_begin(struct bot *bot);

#endif
