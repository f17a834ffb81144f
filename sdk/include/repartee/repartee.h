/* Everything a plugin can use. Include single headers where less will do. */
#ifndef REPARTEE_H
#define REPARTEE_H

#include <repartee/base.h>
#include <repartee/error.h>
#include <repartee/explain.h>
#include <repartee/http_client.h>
#include <repartee/http_server.h>
#include <repartee/json_scan.h>
#include <repartee/log.h>
#include <repartee/metrics.h>
#include <repartee/normalise.h>
#include <repartee/option.h>
#include <repartee/plugin.h>
#include <repartee/regex.h>
#include <repartee/remote_model.h>
#include <repartee/schema.h>
#include <repartee/sieve.h>
#include <repartee/sockets.h>
#include <repartee/talk.h>
#include <repartee/turn.h>
#include <repartee/worker.h>

#endif
