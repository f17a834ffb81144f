/* All literals of all patterns in one Aho-Corasick automaton: one pass over a message says which patterns may match.
 *
 * States lie in a double array (16 bytes each), so a thousand rules fit a processor's cache. Bytes are compared with
 * ASCII letters folded. Two characters beyond ASCII fold to ASCII letters under (?i), U+017F to s and U+212A to k: a
 * text with one of them makes every pattern a candidate. Immutable once built; usable by all threads. */
#ifndef RULES_AUTOMATON_H
#define RULES_AUTOMATON_H

#include "literal.h"

struct automaton;

struct automaton *automaton_create(void);
void automaton_destroy(struct automaton *automaton); /* takes NULL */
void automaton_add(struct automaton *automaton, const struct literal *literal, uint32_t pattern);
void automaton_build(struct automaton *automaton); /* once, after the last literal */
/* Sets the bits of the patterns of which the text contains a literal. False: any pattern may match. */
bool automaton_scan(const struct automaton *automaton, struct rp_str text, uint64_t *bits);
size_t automaton_bytes(const struct automaton *automaton); /* memory held */

#endif
