/* Feeds a text to the request parser in pieces and writes down all that came out, so that two ways of cutting the same
 * bytes can be compared. */
#ifndef TESTS_HTTPD_FEEDING_H
#define TESTS_HTTPD_FEEDING_H

#include "request.h"

extern const struct request_limits usual_limits;

struct outcome {
    char text[8192];
};

/* The first piece has `first` bytes, all others `piece`. A line for each request: state, code, method, path, … */
void feed_all(const char *data, size_t len, const struct request_limits *limits, size_t first, size_t piece,
              struct outcome *out);
/* Every way to cut the bytes once, and byte by byte, gives the same as no cut. */
void assert_cuts_agree(const char *data, size_t len, const struct request_limits *limits);
/* One request, whole: the state it ends in; `request` stays to be looked at. */
enum request_state feed_one(struct request *request, const char *text);

#endif
